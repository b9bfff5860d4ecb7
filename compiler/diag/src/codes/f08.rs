//! F08xx: personal data.

codes! {}
