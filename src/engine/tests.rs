//! The rules of the engine, each by its name.
