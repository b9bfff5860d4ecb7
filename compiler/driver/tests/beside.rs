//! Files that flows name: read inside of the project, and nowhere else.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "in tests a panic is a finding")]

use std::{fs, path::Path};

use flowline_driver::compile;

const TABLE: &str = "store,zone,mon..fri\nshop-1,Europe/Berlin,09:00-20:00\n";

fn findings(path: &Path) -> Vec<String> {
    let outcome = compile(path).unwrap();
    outcome.diagnostics.iter().map(|finding| format!("{}: {}", finding.code.id, finding.message)).collect()
}

fn flow(file: &str) -> String {
    format!("id ShopId\ncalendar hours(store: ShopId) from file \"{file}\"\n")
}

#[test]
fn a_path_goes_from_the_folder_of_the_project() {
    let outside = tempfile::tempdir().unwrap();
    let project = outside.path().join("project");
    fs::create_dir_all(project.join("orders/data")).unwrap();
    fs::write(project.join("flow.toml"), "name = \"shop\"\nedition = \"2026\"\n").unwrap();
    fs::write(outside.path().join("stores.csv"), TABLE).unwrap();
    fs::write(project.join("orders/data/stores.csv"), TABLE).unwrap();
    fs::write(project.join("latin.csv"), b"store,zone,mon\nK\xf6ln,Europe/Berlin,09:00-20:00\n").unwrap();
    fs::write(project.join("large.csv"), vec![b'#'; (4 << 20) + 1]).unwrap();
    #[cfg(unix)]
    std::os::unix::fs::symlink(outside.path().join("stores.csv"), project.join("link.csv")).unwrap();
    let absolute = outside.path().join("stores.csv").display().to_string();
    let out = "it lies outside of the project; a path goes from the project's folder down, as `data/stores.csv`";
    let cases = [
        ("orders/data/stores.csv", None),
        ("./orders/data/stores.csv", Some(out)),
        ("data/stores.csv", Some("there is no such file in the project")),
        ("orders/data", Some("there is no such file in the project")),
        ("../stores.csv", Some(out)),
        (absolute.as_str(), Some(out)),
        ("", Some(out)),
        #[cfg(unix)]
        ("link.csv", Some(out)),
        ("latin.csv", Some("line 2 has a letter that isn't UTF-8; save the file as UTF-8")),
        ("large.csv", Some("it has 4194305 bytes, at most 4194304 are read")),
    ];
    for (file, problem) in cases {
        fs::write(project.join("orders/hours.flow"), flow(file)).unwrap();
        let wanted: Vec<String> = problem.map(|problem| format!("F0240: `{file}`: {problem}")).into_iter().collect();
        assert_eq!(findings(&project), wanted, "{file}");
    }
}

#[test]
fn a_single_file_has_its_folder() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("stores.csv"), TABLE).unwrap();
    fs::write(folder.path().join("hours.flow"), flow("stores.csv")).unwrap();
    assert_eq!(findings(&folder.path().join("hours.flow")), Vec::<String>::new());
}

#[test]
fn the_bundle_says_which_version_of_the_file_it_holds() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("hours.flow"), flow("stores.csv")).unwrap();
    let tables = |text: &str| {
        fs::write(folder.path().join("stores.csv"), text).unwrap();
        let bundle = compile(&folder.path().join("hours.flow")).unwrap().bundle.unwrap();
        let names: Vec<String> = bundle.calendars.iter().map(|calendar| calendar.name.clone()).collect();
        (bundle.calendar_tables, names)
    };
    let (first, names) = tables(TABLE);
    assert_eq!(names, ["hours.hours(shop-1)"]);
    assert_eq!((first[0].name.as_str(), first[0].file.as_str()), ("hours.hours", "stores.csv"));
    assert_eq!(tables(TABLE).0, first);
    assert_ne!(tables(&format!("{TABLE}shop-0,Europe/Paris,09:00-20:00\n")).0, first);
    assert_eq!(
        tables(&format!("{TABLE}shop-0,Europe/Paris,09:00-20:00\n")).1,
        ["hours.hours(shop-0)", "hours.hours(shop-1)"]
    );
}
