//! The suites: the rooms of the host together, over real guests.

mod sandbox;
