//! F09xx: decisions.

codes! {}
