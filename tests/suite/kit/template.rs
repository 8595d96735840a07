//! The template of a new plugin.
