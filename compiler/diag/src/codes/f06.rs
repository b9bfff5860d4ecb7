//! F06xx: AI governance.

codes! {}
