//! What people see before and while something goes wrong.

mod status;
mod tries;
