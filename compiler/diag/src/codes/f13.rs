//! F13xx: change.

codes! {}
