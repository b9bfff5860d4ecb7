//! Every code has its page, and every page its code.

use std::collections::BTreeSet;
use std::path::Path;

#[test]
fn codes_and_pages_agree() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/errors");
    let pages: BTreeSet<String> = std::fs::read_dir(folder)
        .unwrap()
        .filter_map(|entry| entry.unwrap().file_name().to_str().unwrap().strip_suffix(".md").map(str::to_owned))
        .filter(|name| name.starts_with('F'))
        .collect();
    let codes: BTreeSet<String> = flowline_diag::all_codes().map(|code| code.id.to_owned()).collect();
    assert_eq!(codes, pages);
}

#[test]
fn ids_are_unique_and_belong_to_their_group() {
    let mut seen = BTreeSet::new();
    for (number, (_, codes)) in (1..).zip(flowline_diag::groups()) {
        for code in codes {
            assert!(seen.insert(code.id), "{} is declared twice", code.id);
            assert!(
                code.id.starts_with(&format!("F{number:02}")) && code.id.len() == 5,
                "{} is in another group's file",
                code.id
            );
        }
    }
}

#[test]
fn each_page_says_what_is_wrong_and_what_is_right() {
    for code in flowline_diag::all_codes() {
        let page = code.explanation;
        assert!(
            page.starts_with(&format!("# {}: {}\n", code.id, code.title)),
            "{}: the page begins with `# CODE: title`",
            code.id
        );
        assert!(page.matches("```flow").count() >= 2, "{}: the page shows a bad and a good example", code.id);
    }
}

#[test]
fn titles_follow_the_style_of_messages() {
    for code in flowline_diag::all_codes() {
        assert!(!code.title.ends_with('.') && !code.title.contains('\n'), "{}", code.id);
    }
}

#[test]
fn a_code_is_found_in_either_case() {
    assert_eq!(flowline_diag::find_code("f0101").map(|code| code.id), Some("F0101"));
    assert_eq!(flowline_diag::find_code("F9999"), None);
}
