use crate::quiet::{caught, caught_quietly};

#[test]
fn a_panic_becomes_its_first_line() {
    type Case = (fn(), Option<&'static str>);
    let cases: [Case; 4] = [
        (|| (), None),
        (|| panic!("a word"), Some("a word")),
        (|| panic!("{} lines\nand more", 2), Some("2 lines")),
        (|| std::panic::panic_any(7), Some("a panic without a message")),
    ];
    for (work, expected) in cases {
        assert_eq!(caught(work).err().as_deref(), expected);
        assert_eq!(caught_quietly(work).err().as_deref(), expected);
        assert_eq!(caught_quietly(|| caught_quietly(work)).unwrap().err().as_deref(), expected);
    }
}

#[test]
fn many_threads_may_be_quiet_at_once() {
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                for _ in 0..50 {
                    assert!(caught_quietly(|| panic!("quiet")).is_err());
                }
            });
        }
    });
}
