//! The state hash: a fold over everything a run asked for and where its threads of control stand. It is part of the
//! journal's format, so it is spelled out here and never taken from a hasher that may change.
use serde::{Deserialize, Serialize};

use crate::{Output, control::Control};

/// The running hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Digest(u64);

impl Digest {
    /// Folds in what one input did.
    pub fn take(&mut self, now: i64, control: &Control, out: &[Output]) {
        self.word(u64::from_le_bytes(now.to_le_bytes()));
        for frame in &control.frames {
            let pc = frame.pc.map_or(u64::from(u32::MAX), |pc| u64::from(pc.0));
            self.word(u64::from(frame.no) << 32 | pc);
        }
        for resource in &control.resources {
            self.word(resource.state.map_or(u64::MAX, |state| u64::from(state.0)));
        }
        if let Ok(bytes) = postcard::to_stdvec(out) {
            self.bytes(&bytes);
        }
    }

    /// The hash so far.
    pub fn value(self) -> u64 {
        self.0
    }

    fn bytes(&mut self, bytes: &[u8]) {
        let (words, rest) = bytes.as_chunks::<8>();
        for word in words {
            self.word(u64::from_le_bytes(*word));
        }
        let mut last = [0; 8];
        for (to, from) in last.iter_mut().zip(rest) {
            *to = *from;
        }
        self.word(u64::from_le_bytes(last));
        self.word(bytes.len() as u64);
    }

    /// Multiply and fold (the constant is the golden ratio in 64 bits, odd).
    fn word(&mut self, word: u64) {
        let mixed = u128::from(self.0.rotate_left(23) ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835);
        let (low, high) = (mixed & u128::from(u64::MAX), mixed >> 64);
        self.0 = u64::try_from(low ^ high).unwrap_or(0).wrapping_add(word);
    }
}
