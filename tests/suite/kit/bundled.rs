//! The kit on every plugin of this repository.
