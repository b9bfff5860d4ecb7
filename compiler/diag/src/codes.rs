//! The registry of codes. A code is declared once, in the file of its group, and explained once, in
//! `docs/errors/<CODE>.md`: the `explain` command, the manual and the renderers all print from there. A code is never reused.

use crate::Severity;
use std::fmt;

/// What a code means, written once.
#[derive(PartialEq, Eq)]
pub struct Code {
    /// `F` and four digits; the first two name the group.
    pub id: &'static str,
    /// One line, lower case, without a full stop.
    pub title: &'static str,
    /// How bad a finding of this code is unless the finding itself says otherwise.
    pub severity: Severity,
    /// The page `docs/errors/<id>.md`: what it means, a bad example, a good one.
    pub explanation: &'static str,
}

/// The id alone: a code is known by it, and its page is long.
impl fmt::Debug for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.id)
    }
}

/// All codes of the compiler, in order of their groups.
pub fn all() -> impl Iterator<Item = &'static Code> {
    groups().into_iter().flat_map(|(_, codes)| codes.iter().copied())
}

/// The code with this id; letters may be in either case.
pub fn find(id: &str) -> Option<&'static Code> {
    all().find(|code| code.id.eq_ignore_ascii_case(id))
}

/// The groups with their titles, in the order of the documentation.
pub fn groups() -> [(&'static str, &'static [&'static Code]); 14] {
    [
        ("syntax and names", f01::ALL),
        ("types", f02::ALL),
        ("errors and reachability", f03::ALL),
        ("obligations", f04::ALL),
        ("saga", f05::ALL),
        ("AI governance", f06::ALL),
        ("ownership", f07::ALL),
        ("personal data", f08::ALL),
        ("decisions", f09::ALL),
        ("time", f10::ALL),
        ("events across flows", f11::ALL),
        ("retries", f12::ALL),
        ("change", f13::ALL),
        ("policies", f14::ALL),
    ]
}

/// Declares the codes of one group: `NAME = "F0101" Error "title";` … Each needs its page in `docs/errors/`.
macro_rules! codes {
    ($($name:ident = $id:literal $severity:ident $title:literal;)*) => {
        $(
            #[doc = concat!("`", $id, "`: ", $title)]
            pub static $name: $crate::Code = $crate::Code {
                id: $id,
                title: $title,
                severity: $crate::Severity::$severity,
                explanation: include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/errors/", $id, ".md")),
            };
        )*
        /// The codes of this group, in order.
        pub(crate) static ALL: &[&$crate::Code] = &[$(&$name),*];
    };
}

pub mod f01;
pub mod f02;
pub mod f03;
pub mod f04;
pub mod f05;
pub mod f06;
pub mod f07;
pub mod f08;
pub mod f09;
pub mod f10;
pub mod f11;
pub mod f12;
pub mod f13;
pub mod f14;
