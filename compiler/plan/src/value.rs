//! Values: what slots hold, events carry and systems answer.
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr, sync::Arc};

use crate::TypeId;

/// A value. Small ones are inline; the rest is shared, so that a copy costs a count.
///
/// Fields stand by position: their names and types live in the bundle.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Value {
    /// The absent value of an optional type.
    None,
    /// `true` or `false`.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// An exact number of up to 28 digits.
    Decimal(#[serde(with = "exact")] Decimal),
    /// Text, an id, a person, a country.
    Text(Arc<str>),
    /// Milliseconds since 1970-01-01T00:00:00Z.
    Instant(i64),
    /// Days since 1970-01-01.
    Date(i32),
    /// Milliseconds.
    Duration(i64),
    /// Milliseconds of opening time, or whole business days.
    BusinessDuration {
        /// Business days.
        days: i32,
        /// Milliseconds of opening time.
        ms: i64,
    },
    /// An exact amount in a currency.
    Money(Money),
    /// A currency by itself.
    Currency(Currency),
    /// A case of an enum that carries nothing.
    Case(u16),
    /// A case of an enum with its data.
    Variant(Arc<VariantValue>),
    /// A record or an event: its fields in the order of their declaration.
    Record(Arc<[Value]>),
    /// A list.
    List(Arc<[Value]>),
    /// A map, sorted by key.
    Map(Arc<[(Value, Value)]>),
    /// A business error.
    Error(Arc<ErrorValue>),
    /// A resource of the run, by its position in the run's own table.
    Resource(u32),
}

/// A case of an enum with its data.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct VariantValue {
    /// Which case.
    pub case: u16,
    /// Its fields in the order of their declaration.
    pub fields: Box<[Value]>,
}

/// A business error: which one, its fields, and what the system said.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ErrorValue {
    /// The declared error.
    pub error: TypeId,
    /// Its fields in the order of their declaration.
    pub fields: Box<[Value]>,
    /// What `.text` gives.
    pub text: Arc<str>,
}

impl Value {
    /// Text as a value.
    pub fn text(text: impl Into<Arc<str>>) -> Self {
        Self::Text(text.into())
    }

    /// What kind of value this is, in the author's words.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Bool(_) => "Bool",
            Self::Int(_) => "Int",
            Self::Decimal(_) => "Decimal",
            Self::Text(_) => "Text",
            Self::Instant(_) => "Instant",
            Self::Date(_) => "Date",
            Self::Duration(_) => "Duration",
            Self::BusinessDuration { .. } => "BusinessDuration",
            Self::Money(_) => "Money",
            Self::Currency(_) => "Currency",
            Self::Case(_) | Self::Variant(_) => "an enum case",
            Self::Record(_) => "a record",
            Self::List(_) => "a list",
            Self::Map(_) => "a map",
            Self::Error(_) => "an error",
            Self::Resource(_) => "a resource",
        }
    }
}

/// An exact amount in a currency.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Money {
    /// The currency.
    pub currency: Currency,
    /// The amount in major units: `12.30`.
    #[serde(with = "exact")]
    pub amount: Decimal,
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = self.currency.digits();
        if self.amount.normalize().scale() <= digits {
            write!(f, "{:.*} {}", digits as usize, self.amount, self.currency)
        } else {
            write!(f, "{} {}", self.amount.normalize(), self.currency)
        }
    }
}

/// The currencies that people pay with: ISO 4217, table A.1, without funds, metals and codes for tests.
const CURRENCIES: &str = "AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BGN BHD BIF BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF CHF CLP \
     CNY COP CRC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GNF GTQ GYD HKD HNL HTG HUF \
     IDR ILS INR IQD IRR ISK JMD JOD JPY KES KGS KHR KMF KPW KRW KWD KYD KZT LAK LBP LKR LRD LSL LYD MAD MDL MGA MKD \
     MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN PYG QAR RON RSD RUB \
     RWF SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TND TOP TRY TTD TWD TZS UAH UGX USD \
     UYU UZS VES VND VUV WST XAF XCD XCG XOF XPF YER ZAR ZMW ZWG";

/// An ISO 4217 alphabetic code of a currency that people pay with.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Currency([u8; 3]);

impl Currency {
    /// Digits behind the point in this currency's minor unit (ISO 4217, table A.1).
    pub fn digits(self) -> u32 {
        match &self.0 {
            b"BIF" | b"CLP" | b"DJF" | b"GNF" | b"ISK" | b"JPY" | b"KMF" | b"KRW" | b"PYG" | b"RWF" | b"UGX"
            | b"VND" | b"VUV" | b"XAF" | b"XOF" | b"XPF" => 0,
            b"BHD" | b"IQD" | b"JOD" | b"KWD" | b"LYD" | b"OMR" | b"TND" => 3,
            _ => 2,
        }
    }

    /// The three letters.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).expect("only capital ASCII letters come in")
    }
}

/// A text that is no currency code.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no currency of ISO 4217, such as EUR")]
pub struct CurrencyError(String);

impl FromStr for Currency {
    type Err = CurrencyError;

    fn from_str(text: &str) -> Result<Self, CurrencyError> {
        <[u8; 3]>::try_from(text.as_bytes())
            .ok()
            .filter(|_| CURRENCIES.split(' ').any(|code| code == text))
            .map(Self)
            .ok_or_else(|| CurrencyError(text.to_owned()))
    }
}

impl fmt::Debug for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Exact numbers on disk: mantissa and scale, which postcard packs to a few bytes.
mod exact {
    use rust_decimal::Decimal;
    use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};

    pub(super) fn serialize<S: Serializer>(number: &Decimal, to: S) -> Result<S::Ok, S::Error> {
        (number.mantissa(), number.scale()).serialize(to)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Decimal, D::Error> {
        let (mantissa, scale) = <(i128, u32)>::deserialize(from)?;
        Decimal::try_from_i128_with_scale(mantissa, scale).map_err(D::Error::custom)
    }
}
