//! Bundles on disk: magic, format number, length, content, blake3. The name of a bundle is the hash of its content.
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{Bundle, SEMANTICS};

/// The format that this version writes.
pub const BUNDLE_FORMAT: u16 = 1;
const MAGIC: &[u8; 8] = b"FLOWBNDL";
const HEAD_LEN: usize = 8 + 2 + 32;

/// The name of a bundle: the blake3 hash of its encoded content.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct BundleHash(pub [u8; 32]);

impl fmt::Display for BundleHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().take(8).try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for BundleHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

/// Why bytes are not a bundle that this version can run.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    #[error("this is not a Flowline bundle")]
    NotABundle,
    #[error("the bundle has format {found}, this version of flowline reads up to {BUNDLE_FORMAT}: use a newer one")]
    Format {
        /// The number found.
        found: u16,
    },
    #[error("the bundle is damaged; build or copy it again")]
    Damaged,
    #[error("flow `{flow}` has semantics {found}, this version of flowline honours up to {SEMANTICS}: use a newer one")]
    Semantics {
        /// The flow.
        flow: String,
        /// The number found.
        found: u16,
    },
}

/// The bytes of a bundle and its name. The same bundle gives the same bytes.
pub fn encode_bundle(bundle: &Bundle) -> (Vec<u8>, BundleHash) {
    let content = postcard::to_stdvec(bundle).expect("a bundle is plain data, which postcard always encodes");
    let hash = *blake3::hash(&content).as_bytes();
    let mut out = Vec::with_capacity(HEAD_LEN + content.len());
    out.extend_from_slice(MAGIC);
    out.extend_from_slice(&BUNDLE_FORMAT.to_le_bytes());
    out.extend_from_slice(&hash);
    out.extend_from_slice(&content);
    (out, BundleHash(hash))
}

/// Reads a bundle back.
///
/// # Errors
/// When the bytes are no bundle, are damaged, or come from a newer version.
pub fn decode_bundle(bytes: &[u8]) -> Result<(Bundle, BundleHash), DecodeError> {
    let rest = bytes.strip_prefix(MAGIC.as_slice()).ok_or(DecodeError::NotABundle)?;
    let (format, rest) = rest.split_first_chunk::<2>().ok_or(DecodeError::NotABundle)?;
    let found = u16::from_le_bytes(*format);
    if found == 0 || found > BUNDLE_FORMAT {
        return Err(DecodeError::Format { found });
    }
    let (hash, content) = rest.split_first_chunk::<32>().ok_or(DecodeError::Damaged)?;
    if blake3::hash(content).as_bytes() != hash {
        return Err(DecodeError::Damaged);
    }
    let bundle: Bundle = postcard::from_bytes(content).map_err(|_| DecodeError::Damaged)?;
    if let Some(flow) = bundle.flows.iter().find(|flow| flow.semantics == 0 || flow.semantics > SEMANTICS) {
        return Err(DecodeError::Semantics { flow: flow.name.clone(), found: flow.semantics });
    }
    // Numbers could be written longer than they have to be, or bytes be left over. A bundle has one way to be written, so
    // that two names are never the same bundle.
    if encode_bundle(&bundle).0 != bytes {
        return Err(DecodeError::Damaged);
    }
    Ok((bundle, BundleHash(*hash)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bundle_comes_back_as_it_was_and_damage_is_found() {
        let bundle = Bundle { name: "acme".to_owned(), ..Bundle::default() };
        let (bytes, hash) = encode_bundle(&bundle);
        assert_eq!(decode_bundle(&bytes), Ok((bundle, hash)));
        for at in 0..bytes.len() {
            let mut bad = bytes.clone();
            bad[at] ^= 1;
            assert!(decode_bundle(&bad).is_err(), "bit flip at {at}");
            assert!(decode_bundle(&bytes[..at]).is_err(), "cut at {at}");
        }
    }

    #[test]
    fn a_bundle_that_is_written_another_way_is_none() {
        let bundle = Bundle { name: "acme".to_owned(), ..Bundle::default() };
        let (bytes, _) = encode_bundle(&bundle);
        let content = &bytes[HEAD_LEN..];
        let framed = |content: &[u8]| {
            let mut whole = bytes[..HEAD_LEN - 32].to_vec();
            whole.extend(blake3::hash(content).as_bytes());
            whole.extend(content);
            decode_bundle(&whole)
        };
        assert_eq!(framed(content), decode_bundle(&bytes));
        assert_eq!(content[0], 4, "the length of the name comes first");
        let longer_number = [&[0x84, 0x00], &content[1..]].concat();
        assert_eq!(framed(&longer_number), Err(DecodeError::Damaged));
        let left_over = [content, &[0]].concat();
        assert_eq!(framed(&left_over), Err(DecodeError::Damaged));
    }
}
