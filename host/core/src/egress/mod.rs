//! Which request a plugin may send, and to which addresses. Pure; the gate does what is decided here.
pub mod path;
