//! The log: what a dying process leaves, and what is refused.
use std::{fs, sync::Arc};

use flowline_core::RunId;

use super::Scene;
use crate::{
    FileLog, Held, MemoryLog, World, WorldConfig, WorldError, WorldLog,
    fixture::{Shop, shop},
};

/// A log of three calls, and where each of its records ends.
fn three_calls() -> (Vec<u8>, Vec<usize>) {
    let mut scene = Scene::calm();
    let mut ends = vec![scene.log.bytes().len()];
    for id in ["card-1", "card-2", "card-3"] {
        let call = scene.shop.authorise(id, "5.00");
        scene.send(&call);
        ends.push(scene.log.bytes().len());
    }
    (scene.log.bytes(), ends)
}

fn open(log: impl WorldLog + 'static) -> Result<World, WorldError> {
    let config = WorldConfig { seed: 7, ..WorldConfig::default() };
    World::open(Arc::new(shop()), config, Held::default(), Box::new(log))
}

#[test]
fn a_torn_tail_is_cut_wherever_it_tears() {
    let (bytes, ends) = three_calls();
    for cut in 0..=bytes.len() {
        let log = MemoryLog::of_bytes(bytes[..cut].to_vec());
        let mut world = open(log.clone()).unwrap();
        let whole = ends.iter().filter(|end| **end <= cut).count();
        assert_eq!(world.reopened().calls as usize, whole.saturating_sub(1), "cut at {cut}");
        let sound = ends.iter().rev().find(|end| **end <= cut).copied().unwrap_or(0);
        assert_eq!(world.reopened().cut_bytes as usize, cut - sound, "cut at {cut}");
        // The world goes on: the calls whose records are gone act now, and the log is as it was.
        for id in ["card-1", "card-2", "card-3"] {
            world.call(RunId(1), &Shop::default().authorise(id, "5.00")).unwrap();
        }
        assert_eq!(log.bytes(), bytes, "cut at {cut}");
        assert_eq!(world.accounts(0).resource("CardMoney").unwrap().opened, 3);
    }
}

#[test]
fn damage_is_found_wherever_it_lies() {
    let (bytes, _) = three_calls();
    for at in 0..bytes.len() {
        let mut bad = bytes.clone();
        bad[at] ^= 0x20;
        assert!(matches!(open(MemoryLog::of_bytes(bad)), Err(WorldError::Damaged { .. })), "bit flip at {at}");
    }
}

#[test]
fn a_file_and_memory_hold_the_same_bytes() {
    let (bytes, _) = three_calls();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("world.log");
    {
        let mut world = open(FileLog::open(&path).unwrap()).unwrap();
        for id in ["card-1", "card-2", "card-3"] {
            world.call(RunId(1), &Shop::default().authorise(id, "5.00")).unwrap();
        }
    }
    assert_eq!(fs::read(&path).unwrap(), bytes);
    fs::write(&path, &bytes[..bytes.len() - 1]).unwrap();
    let mut world = open(FileLog::open(&path).unwrap()).unwrap();
    assert_eq!(world.reopened().calls, 2);
    world.call(RunId(1), &Shop::default().authorise("card-3", "5.00")).unwrap();
    assert_eq!(fs::read(&path).unwrap(), bytes);
}

#[test]
fn a_log_of_another_world_is_refused() {
    let (bytes, _) = three_calls();
    let log = || Box::new(MemoryLog::of_bytes(bytes.clone()));
    let seed = WorldConfig { seed: 8, ..WorldConfig::default() };
    let error = World::open(Arc::new(shop()), seed, Held::default(), log()).unwrap_err();
    assert!(matches!(error, WorldError::Seed { found: 7, asked: 8 }), "{error}");

    let seed = || WorldConfig { seed: 7, ..WorldConfig::default() };
    let mut other = shop();
    other.systems[0].ops[0].name = "look".to_owned();
    let error = World::open(Arc::new(other), seed(), Held::default(), log()).unwrap_err();
    assert!(matches!(error, WorldError::Contracts), "{error}");

    let mut renamed = shop();
    renamed.name = "another shop".to_owned();
    assert!(World::open(Arc::new(renamed), seed(), Held::default(), log()).is_ok(), "only contracts and types count");
}

/// A log whose disk is full after so many records.
#[derive(Debug)]
struct Full(u32);

impl WorldLog for Full {
    fn replay(&mut self, _visit: &mut crate::Visit<'_>) -> Result<u64, WorldError> {
        Ok(0)
    }

    fn append(&mut self, _record: &[u8]) -> Result<(), WorldError> {
        self.0 = self.0.checked_sub(1).ok_or(WorldError::Stopped)?;
        Ok(())
    }
}

#[test]
fn what_can_not_be_written_down_is_not_answered() {
    let mut world = open(Full(2)).unwrap();
    let shop = Shop::default();
    assert!(world.call(RunId(1), &shop.authorise("card-1", "5.00")).is_ok());
    for _ in 0..2 {
        assert!(world.call(RunId(1), &shop.authorise("card-2", "5.00")).is_err());
    }
    assert_eq!(world.accounts(0).resource("CardMoney").unwrap().opened, 1);
}
