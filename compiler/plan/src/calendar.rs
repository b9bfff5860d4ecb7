//! Business calendars.
use serde::{Deserialize, Serialize};

/// Weekly opening hours in a zone, with closed days.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Calendar {
    pub name: String,
    /// IANA zone: `Europe/Berlin`.
    pub zone: String,
    /// For Monday to Sunday: opening spans as minutes of the day, half-open, sorted, apart.
    pub week: [Vec<(u16, u16)>; 7],
    /// Closed days, as days since 1970-01-01, sorted.
    pub closed: Vec<i32>,
}
