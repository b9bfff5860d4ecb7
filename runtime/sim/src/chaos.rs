//! Chance that can be repeated: draws that follow from a seed and from what is drawn for.
use flowline_core::hash128;

/// A stream of draws (splitmix64). The same seed, purpose and parts give the same stream; nothing else has a say.
#[derive(Debug, Clone)]
pub(crate) struct Chaos(u64);

impl Chaos {
    pub(crate) fn new(seed: u64, purpose: &str, parts: &[&[u8]]) -> Self {
        let seed = seed.to_le_bytes();
        let parts: Vec<&[u8]> = std::iter::once(seed.as_slice()).chain(parts.iter().copied()).collect();
        Self(low_bits(hash128(purpose, &parts)))
    }

    /// 64 evenly spread bits.
    pub(crate) fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A share from 0 up to, but not including, 1.
    pub(crate) fn share(&mut self) -> f64 {
        let top = u32::try_from(self.bits() >> 32).unwrap_or(u32::MAX);
        f64::from(top) / 4_294_967_296.0
    }

    /// A number from `least` to `most`, both included.
    pub(crate) fn between(&mut self, least: i64, most: i64) -> i64 {
        let span = most.saturating_sub(least).max(0).unsigned_abs().saturating_add(1);
        least.saturating_add(i64::try_from(self.bits() % span).unwrap_or(0))
    }

    /// A place in something that long; 0 where it is empty.
    pub(crate) fn below(&mut self, len: usize) -> usize {
        let len = u64::try_from(len.max(1)).unwrap_or(1);
        usize::try_from(self.bits() % len).unwrap_or(0)
    }
}

fn low_bits(hash: u128) -> u64 {
    u64::try_from(hash & u128::from(u64::MAX)).unwrap_or(0)
}
