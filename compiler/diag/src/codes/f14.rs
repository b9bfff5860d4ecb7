//! F14xx: policies.

codes! {}
