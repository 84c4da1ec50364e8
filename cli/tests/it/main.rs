//! `kotadb` as people run it: real processes over real repositories.

mod fixture;
mod jobs;
mod local;
mod up;
mod working_tree;
