//! F07xx: ownership.

codes! {}
