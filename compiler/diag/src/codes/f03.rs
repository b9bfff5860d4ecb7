//! F03xx: errors and reachability.

codes! {}
