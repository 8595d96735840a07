//! Entity maps.
