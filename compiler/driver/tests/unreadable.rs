//! Files that are no text: each is told by itself, and the rest of the project is checked.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "in tests a panic is a finding")]
mod common;

use std::{fs, path::PathBuf};

/// A project in a folder of its own, which goes when the test ends.
struct Place(PathBuf);

impl Place {
    fn new(name: &str) -> Self {
        let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).unwrap();
        let place = Self(folder);
        place.file("flow.toml", b"name = \"place\"\nedition = \"2026\"\n");
        place
    }

    fn file(&self, name: &str, bytes: &[u8]) {
        fs::write(self.0.join(name), bytes).unwrap();
    }

    /// What the compiler says, with the folder left out.
    fn said(&self) -> String {
        let outcome = flowline_driver::compile(&self.0).unwrap();
        common::for_logs(&outcome).replace(&format!("{}/", self.0.display()), "")
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[test]
fn what_is_no_text_is_told_and_the_rest_is_checked() {
    let place = Place::new("no_text");
    place.file("windows.flow", b"// Gr\xf6\xdfe\nid ParcelId\nconst weight = 1\n");
    let utf16: Vec<u8> = "\u{feff}id ShelfId\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
    place.file("utf_16.flow", &utf16);
    place.file("picture.flow", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR");
    place.file("zeros.flow", b"id A\0\n");
    place.file("mark.flow", "\u{feff}id MarkId\n".as_bytes());
    place.file("empty.flow", b"");
    fs::create_dir(place.0.join("folder.flow")).unwrap();
    fs::File::create(place.0.join("huge.flow")).unwrap().set_len(17 << 20).unwrap();
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink(place.0.join("loop.flow"), place.0.join("loop.flow")).unwrap();
        std::os::unix::fs::symlink(&place.0, place.0.join("round")).unwrap();
        std::os::unix::fs::symlink(place.0.join("nowhere"), place.0.join("dangling.flow")).unwrap();
    }
    // What is brought in from a file that can't be read may be there; another mistake is another finding.
    place.file(
        "sound.flow",
        b"use windows.{ParcelId}\nuse mark.{MarkId}\nrecord Box { id: ParcelId, mark: MarkId, of: Nothing }\n",
    );
    insta::with_settings!({ omit_expression => true }, { insta::assert_snapshot!(place.said()); });
}

#[test]
fn a_lone_file_that_is_no_text_is_a_finding_too() {
    let place = Place::new("lone");
    place.file("lone.flow", b"\xff\xfe\0\0");
    let outcome = flowline_driver::compile(&place.0.join("lone.flow")).unwrap();
    assert_eq!(outcome.diagnostics.len(), 1);
    assert_eq!(outcome.diagnostics[0].code.id, "F0107");
    assert!(outcome.bundle.is_none());
    // Every renderer can show a file of which nothing is known.
    assert!(common::for_people(&outcome).contains("UTF-16"));
    assert!(flowline_report::github(&outcome.diagnostics[0], &outcome.sources).contains("line=1"));
    assert!(flowline_report::json(&outcome.diagnostics, &outcome.sources).to_string().contains("F0107"));
    assert!(flowline_report::sarif(&outcome.diagnostics, &outcome.sources, "0").to_string().contains("F0107"));
}

#[test]
fn a_test_names_a_file_that_is_there() {
    let place = Place::new("fixtures");
    fs::create_dir(place.0.join("fixtures")).unwrap();
    place.file("fixtures/order.json", b"\"O-1\"");
    let flow = |path: &str| {
        format!(
            "id OrderId\nflow pack(order: OrderId) {{ }}\ntest \"it packs\" {{ start pack with file \"{path}\" }}\n"
        )
    };
    place.file("pack.flow", flow("fixtures/order.json").as_bytes());
    assert_eq!(
        place.said(),
        "pack.flow:3:6: note[F0191]: this test is read and checked, but not run\n = help: its names and types are right; whether it passes is not known\n1 note"
    );
    for (path, problem) in [
        ("fixtures/ordr.json", "no such file"),
        ("../fixtures/order.json", "outside of the project"),
        ("fixtures", "no such file"),
    ] {
        place.file("pack.flow", flow(path).as_bytes());
        let said = place.said();
        assert!(said.contains("F0114") && said.contains(problem), "{said}");
    }
}
