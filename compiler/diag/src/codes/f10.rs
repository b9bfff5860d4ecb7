//! F10xx: time.

codes! {}
