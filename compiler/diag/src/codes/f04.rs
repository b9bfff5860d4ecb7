//! F04xx: obligations.

codes! {}
