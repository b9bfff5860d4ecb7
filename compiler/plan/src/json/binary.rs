//! The compact form of values: fields by position, no names.
use crate::Value;

/// The bytes are no value of this format.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("these bytes are not a stored value; the record is damaged or from a newer version")]
pub struct ValueDecodeError;

/// A value as bytes, for the journal.
pub fn encode_value(value: &Value) -> Vec<u8> {
    postcard::to_stdvec(value).expect("a value is plain data, which postcard always encodes")
}

/// Reads a value back.
///
/// # Errors
/// When the bytes are damaged or something follows the value.
pub fn decode_value(bytes: &[u8]) -> Result<Value, ValueDecodeError> {
    match postcard::take_from_bytes(bytes) {
        Ok((value, [])) => Ok(value),
        Ok(_) | Err(_) => Err(ValueDecodeError),
    }
}
