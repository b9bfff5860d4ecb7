//! Data folders that are damaged, of another kind, or on a disk that refuses: a clear message or a rebuild, nothing lost.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a panic is how a test fails")]
mod support;

use std::{
    fs,
    io::{BufRead, BufReader},
    path::Path,
    process::{Command, Stdio},
};

use support::{Mount, Place, Ran, SMALL, command, cut, example_lines, flip, run_args, write_lines};

/// The commands that only look, each with what must be in its output where the journal is sound.
const LOOKING: [(&[&str], &str); 3] = [
    (&["journal", "verify", "data"], "all sound"),
    (&["journal", "export", "data"], "\"kind\":\"bundle\""),
    (&["replay", "data"], "every state is as it was written"),
];

/// Every command that works on a folder, ending the same way and saying the same.
#[track_caller]
fn all_end(place: &Place, code: i32, said: &str) {
    place.run().ends(code, said);
    for args in LOOKING.map(|(args, _)| args).into_iter().chain([["journal", "rebuild", "data"].as_slice()]) {
        place.flowline(args).ends(code, said);
    }
}

#[track_caller]
fn looks_fine(place: &Place) {
    for (args, said) in LOOKING {
        let ran = place.flowline(args);
        ran.ends(0, "");
        assert!(ran.stdout.contains(said), "{args:?}: {}{}", ran.stdout, ran.stderr);
    }
}

/// The main job goes on, says so, and comes to the same end; then nothing is left to say.
#[track_caller]
fn goes_on(place: &Place, said: &str) {
    let ran = place.run();
    ran.ends(0, said);
    assert_eq!(ran.tables(), place.tables);
    looks_fine(place);
    let again = place.run();
    again.ends(0, "recovered 0 live runs");
    assert!(!again.stderr.contains("note:"), "{}", again.stderr);
    assert_eq!(again.tables(), place.tables);
}

#[test]
fn a_sound_folder_goes_on_and_is_rebuilt_when_asked() {
    let place = Place::used();
    looks_fine(&place);
    let ran = place.flowline(&["journal", "rebuild", "data"]);
    ran.ends(0, "");
    assert!(ran.stdout.contains("the index is new: "), "{}", ran.stdout);
    goes_on(&place, "recovered 0 live runs");
}

#[test]
fn meta_of_another_version_or_none_stops_everything() {
    let cases = [
        (r#"{"format":2,"shards":64,"seed":1}"#, "the data folder has format 2, this version of flowline reads 1"),
        (r#"{"format":1,"shards":16,"seed":1}"#, "was made with 16 shards, this version of flowline has 64"),
        (r#"{"format":1,"seed":1}"#, "`data/meta` is damaged: `shards` isn't a number"),
        (r#"{"format":1,"shards":64,"seed":"x"}"#, "`data/meta` is damaged: `seed` isn't a number"),
        ("\u{0}\u{0}\u{0}", "`data/meta` isn't what flowline wrote there"),
        ("", "`data/meta` isn't what flowline wrote there"),
    ];
    let place = Place::used();
    let journal = place.journal();
    for (meta, said) in cases {
        fs::write(place.data().join("meta"), meta).unwrap();
        all_end(&place, 2, said);
    }
    let sound = r#"{"format":1,"shards":64,"seed":1}"#;
    fs::write(place.data().join("meta"), sound.replace("\"seed\":1", "\"seed\":7")).unwrap();
    place.run().ends(2, "was made with a simulated world of seed 7, not with a simulated world of seed 1");
    fs::remove_file(place.data().join("meta")).unwrap();
    place.run().ends(2, "`data/meta` is missing").ends(2, sound);
    assert_eq!(place.journal(), journal, "nothing was written");
    fs::write(place.data().join("meta"), sound).unwrap();
    goes_on(&place, "");
}

#[test]
fn another_seed_needs_another_folder() {
    let place = Place::used();
    let args = run_args().into_iter().chain(["--seed".to_owned(), "2".to_owned()]);
    support::flowline(place.path(), args).ends(2, "was made with a simulated world of seed 1, not with");
}

#[test]
fn a_folder_of_something_else_is_left_as_it_is() {
    let place = Place::with_events(&example_lines(1));
    fs::create_dir_all(place.data().join("photos")).unwrap();
    all_end(&place, 2, "`data` is no data folder");
    let names: Vec<_> = place.data().read_dir().unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names, ["photos"]);
    fs::remove_dir_all(place.data()).unwrap();
    for args in LOOKING.map(|(args, _)| args) {
        place.flowline(args).ends(2, "there is no folder `data`");
    }
    assert!(!place.data().exists(), "looking makes nothing");
    fs::write(place.data(), "a file").unwrap();
    all_end(&place, 2, "`data` is a file; give a folder");
    fs::remove_file(place.data()).unwrap();
    place.run().ends(0, "");
}

#[test]
fn making_a_folder_can_be_cut_off_anywhere() {
    let place = Place::with_events(&example_lines(2));
    let undisturbed = place.run();
    fs::remove_dir_all(place.data()).unwrap();
    let steps: [fn(&Path); 4] = [
        |data| fs::create_dir_all(data).unwrap(),
        |data| fs::create_dir_all(data.join("journal")).unwrap(),
        |data| fs::write(data.join("lock"), "").unwrap(),
        |data| fs::write(data.join("meta.new"), "{\"for").unwrap(),
    ];
    for until in 1..=steps.len() {
        steps[..until].iter().for_each(|step| step(&place.data()));
        let ran = place.run();
        ran.ends(0, "");
        assert_eq!(ran.tables(), undisturbed.tables());
        fs::remove_dir_all(place.data()).unwrap();
    }
}

#[test]
fn a_torn_tail_is_cut_and_told() {
    let place = Place::used();
    // The end of the journal is a checkpoint: without it, the index has nothing to stand on and is made anew.
    for name in ["store", "dedupe"] {
        fs::remove_dir_all(place.data().join(name)).unwrap();
    }
    cut(place.segments().last().unwrap(), 10);
    for args in LOOKING.map(|(args, _)| args) {
        place.flowline(args).ends(0, "");
    }
    assert!(place.flowline(&["journal", "verify", "data"]).stdout.contains("are a write that was not finished"));
    place.flowline(&["replay", "data"]).ends(0, "are a write that was not finished, and aren't part of this");
    goes_on(&place, "off the end of journal segment");
}

/// What a process leaves behind that was killed at some record: a prefix of the journal, and a world that is a bit ahead.
#[test]
fn from_any_prefix_of_the_journal_it_comes_to_the_same_end() {
    for keep in [2, 3, 4] {
        let place = Place::used();
        for name in ["store", "dedupe"] {
            fs::remove_dir_all(place.data().join(name)).unwrap();
        }
        let segments = place.segments();
        segments[keep..].iter().for_each(|segment| fs::remove_file(segment).unwrap());
        // In the middle of a write, mostly.
        cut(&segments[keep - 1], 1_111 * keep as u64);
        place.flowline(&["replay", "data"]).ends(0, "");
        goes_on(&place, "the index is rebuilt from the journal, nothing is lost: there is no index yet");
    }
}

#[test]
fn an_end_that_the_index_has_seen_is_missed() {
    let place = Place::used();
    let segments = place.segments();
    fs::remove_file(segments.last().unwrap()).unwrap();
    let left = place.journal();
    let ran = place.run();
    ran.ends(3, "but the index has seen record").ends(3, "Restore `data/journal` from a backup");
    assert_eq!(place.journal(), left);
    // The operator may say that it is the journal that counts.
    place.flowline(&["journal", "rebuild", "data"]).ends(0, "");
    goes_on(&place, "");
    fs::remove_dir_all(place.data().join("journal")).unwrap();
    place.run().ends(3, "the journal is empty, but the index has seen record");
}

#[test]
fn damage_in_the_middle_of_the_journal_stops_and_names_the_place() {
    let segment_of = |place: &Place, number: usize| place.segments()[number].clone();
    let place = Place::used();
    let length = fs::metadata(segment_of(&place, 1)).unwrap().len();
    // In the header of the segment, of its first group, in a record, near its end.
    for at in [9, 40, length / 2, length - 9] {
        let place = Place::used();
        flip(&segment_of(&place, 1), at);
        let (damaged, rest) = (place.journal(), fs::read(place.data().join("world.log")).unwrap());
        all_end(&place, 3, "the journal is damaged in segment 00000002.seg at byte");
        place.run().ends(3, "(record ").ends(3, "restore the folder from a backup");
        assert_eq!(place.journal(), damaged, "nothing was written over");
        assert_eq!(fs::read(place.data().join("world.log")).unwrap(), rest);
        flip(&segment_of(&place, 1), at);
        let mended = place.run();
        mended.ends(0, "recovered 0 live runs");
        assert_eq!(mended.tables(), place.tables);
    }
}

#[test]
fn the_export_gives_what_is_sound_before_the_damage() {
    let place = Place::used();
    let whole = place.flowline(&["journal", "export", "data"]).stdout;
    flip(&place.segments()[2], 40);
    let ran = place.flowline(&["journal", "export", "data"]);
    ran.ends(3, "00000003.seg");
    assert!(ran.stdout.lines().count() > 20 && whole.starts_with(&ran.stdout), "{}", ran.stdout);
}

#[test]
fn a_bit_turned_in_the_last_write_is_damage_and_no_torn_tail() {
    let place = Place::used();
    let last = place.segments().pop().unwrap();
    let length = fs::metadata(&last).unwrap().len();
    flip(&last, length - 3);
    let damaged = place.journal();
    all_end(&place, 3, "the last group fails its checksum, although all of it was written");
    assert_eq!(place.journal(), damaged);
}

#[test]
fn a_missing_segment_is_named() {
    for (number, said) in [(0, "record 1 is missing, the journal begins with record "), (1, "00000002.seg")] {
        let place = Place::used();
        let (segment, aside) = (place.segments()[number].clone(), place.path().join("aside"));
        fs::rename(&segment, &aside).unwrap();
        let left = place.journal();
        all_end(&place, 3, said);
        assert_eq!(place.journal(), left);
        fs::rename(&aside, &segment).unwrap();
        goes_on(&place, "");
    }
}

/// Everything in the index can be made anew from the journal.
#[test]
fn a_damaged_or_deleted_index_is_rebuilt() {
    type Damage = fn(&Path);
    let damages: [(&str, Damage); 11] = [
        ("no store", |data| fs::remove_dir_all(data.join("store")).unwrap()),
        ("no dedupe keys", |data| fs::remove_dir_all(data.join("dedupe")).unwrap()),
        ("neither", |data| ["store", "dedupe"].iter().for_each(|name| fs::remove_dir_all(data.join(name)).unwrap())),
        ("no sled file", |data| fs::remove_file(data.join("store/db")).unwrap()),
        ("no sled conf", |data| fs::remove_file(data.join("store/conf")).unwrap()),
        ("an empty sled file", |data| fs::write(data.join("store/db"), "").unwrap()),
        ("half a sled file", |data| {
            let length = fs::metadata(data.join("store/db")).unwrap().len();
            cut(&data.join("store/db"), length / 2);
        }),
        ("a seal of zeros", |data| fs::write(data.join("store/marker"), [0; 24]).unwrap()),
        ("keys without their index", |data| fs::remove_file(data.join("dedupe/index")).unwrap()),
        ("a damaged index of keys", |data| flip(&data.join("dedupe/index"), 20)),
        ("a damaged day of keys", |data| {
            let day = data.join("dedupe").read_dir().unwrap().map(|entry| entry.unwrap().path());
            flip(&day.into_iter().find(|path| path.extension().is_some()).unwrap(), 40);
        }),
    ];
    for (what, damage) in damages {
        let place = Place::used();
        damage(&place.data());
        let ran = place.run();
        ran.ends(0, "");
        assert_eq!(ran.tables(), place.tables, "{what}");
        let told = ran.stderr.contains("note: the index is rebuilt from the journal, nothing is lost: ");
        let silent = ["no dedupe keys", "keys without their index", "no sled conf"].contains(&what);
        assert!(told || silent, "{what}: {}", ran.stderr);
        let again = place.run();
        assert!(!again.stderr.contains("note:"), "{what}: {}", again.stderr);
        assert_eq!(again.tables(), place.tables, "{what}");
    }
}

/// It says where snapshots lie, but they are none of this journal's.
#[test]
fn the_index_of_another_folder_is_rebuilt() {
    let other = Place::with_events(&example_lines(SMALL + 3)[SMALL..]);
    other.run().ends(0, "");
    let place = Place::used();
    for name in ["store", "dedupe"] {
        fs::remove_dir_all(place.data().join(name)).unwrap();
        fs::rename(other.data().join(name), place.data().join(name)).unwrap();
    }
    goes_on(&place, "note: the index is rebuilt from the journal, nothing is lost: ");
}

#[test]
fn a_bit_turned_anywhere_in_the_store_changes_nothing() {
    let place = Place::used();
    let length = fs::metadata(place.data().join("store/db")).unwrap().len();
    for at in (0..length).step_by(usize::try_from(length / 8).unwrap()) {
        let place = Place::used();
        flip(&place.data().join("store/db"), at);
        let ran = place.run();
        ran.ends(0, "");
        assert_eq!(ran.tables(), place.tables, "byte {at}: {}", ran.stderr);
    }
}

#[test]
fn what_the_simulated_world_did_is_missed() {
    let place = Place::used();
    let log = place.data().join("world.log");
    let whole = fs::read(&log).unwrap();

    fs::remove_file(&log).unwrap();
    place.run().ends(3, "`data/world.log` holds 0 calls, but the journal has");
    assert!(!log.exists(), "none is begun in its place");
    fs::write(&log, &whole[..whole.len() / 2]).unwrap();
    place.run().ends(3, "what the simulated world did is gone");
    fs::write(&log, &whole).unwrap();
    flip(&log, whole.len() as u64 / 2);
    place.run().ends(3, "the simulated world's log is damaged at byte");
    flip(&log, whole.len() as u64 / 2);

    // A write that was not finished belongs to a call that nobody got an answer to.
    fs::write(&log, [&whole, &whole[..5]].concat()).unwrap();
    goes_on(&place, "note: cut 5 bytes off the end of `data/world.log`");

    for name in ["journal", "store", "dedupe"] {
        fs::remove_dir_all(place.data().join(name)).unwrap();
    }
    place.run().ends(3, "but the journal knows of none: the journal was removed");
}

/// A process that has the folder open until it is told to end.
#[test]
fn a_second_process_is_refused_and_the_first_goes_on() {
    let place = Place::used();
    let pipe = place.path().join("pipe");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    // The export holds the folder's lock while nobody reads what it prints.
    let mut first = Command::new("sh")
        .args(["-c", "exec \"$0\" journal export data > pipe", env!("CARGO_BIN_EXE_flowline")])
        .current_dir(place.path())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut reader = BufReader::with_capacity(64, fs::File::open(&pipe).unwrap());
    let mut line = String::new();
    reader.read_line(&mut line).unwrap();
    assert!(line.contains("bundle"), "{line}");
    all_end(&place, 2, "another process has the data folder `data` open; stop it, or use another folder");
    let rest = reader.lines().map(Result::unwrap).count();
    assert!(rest > 100, "the first went on: {rest} lines");
    assert!(first.wait().unwrap().success());
    goes_on(&place, "");
}

#[test]
fn other_flows_need_another_folder() {
    let place = Place::used();
    let project = place.path().join("project");
    assert!(Command::new("cp").arg("-r").arg(support::workflows()).arg(&project).status().unwrap().success());
    let flow = project.join("pickup_in_store.flow");
    let text = fs::read_to_string(&flow).unwrap();
    fs::write(&flow, text.replace("\"store operations\"", "\"shop operations\"")).unwrap();
    let journal = place.journal();
    let args = run_args().into_iter().map(|arg| if arg.ends_with("workflows") { "project".to_owned() } else { arg });
    let ran = support::flowline(place.path(), args);
    ran.ends(2, "the data folder belongs to version").ends(2, "or use a new folder");
    assert_eq!(place.journal(), journal);
    goes_on(&place, "");
}

#[test]
fn on_a_full_disk_it_stops_and_goes_on_once_there_is_room() {
    let undisturbed = Place::used();
    let place = Place::with_events(&example_lines(SMALL));
    let Some(mount) = Mount::tmpfs(&place.data(), "size=16k") else { return };
    let mut told = false;
    let mut last = None;
    for kib in (16..4_000).step_by(48) {
        mount.change(&format!("size={kib}k"));
        let ran = place.run();
        if ran.code == Some(0) {
            last = Some(ran);
            break;
        }
        ran.ends(3, "the disk is full: ");
        told = true;
        if place.data().join("meta").exists() {
            place.flowline(&["journal", "verify", "data"]).ends(0, "");
        }
    }
    assert!(told, "it was never full");
    assert_eq!(last.unwrap().tables(), undisturbed.tables);
    place.flowline(&["replay", "data"]).ends(0, "");
}

#[test]
fn a_folder_that_cannot_be_written_can_be_looked_at() {
    let used = Place::used();
    let place = Place::with_events(&example_lines(SMALL));
    let Some(mount) = Mount::tmpfs(&place.data(), "size=8m") else { return };
    place.run().ends(0, "");
    mount.change("ro");
    place.run().ends(3, "read-only");
    place.flowline(&["journal", "rebuild", "data"]).ends(3, "read-only");
    looks_fine(&place);
    mount.change("rw");
    let ran = place.run();
    ran.ends(0, "");
    assert_eq!(ran.tables(), used.tables);
}

#[test]
fn a_folder_that_cannot_be_made_is_told() {
    let place = Place::with_events(&example_lines(1));
    write_lines(&place.path().join("file"), &[]);
    let args = run_args().into_iter().map(|arg| if arg == "data" { "file/data".to_owned() } else { arg });
    let ran = Ran::of(&command(place.path(), args).output().unwrap());
    ran.ends(2, "`file/data`");
}
