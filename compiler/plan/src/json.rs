//! JSON at the border.
