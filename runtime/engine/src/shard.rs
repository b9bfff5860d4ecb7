//! Where things live: 64 logical shards, fixed when a data folder is made.

/// Logical shards of a data folder.
pub const SHARDS: u16 = 64;

/// The shard of a 128-bit identity.
pub fn shard_of(id: u128) -> u16 {
    u16::try_from(id % u128::from(SHARDS)).unwrap_or(0)
}
