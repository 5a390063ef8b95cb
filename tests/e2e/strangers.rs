//! Strangers' bad days: machines, networks, disks and habits that are not ours.

mod few_files;
mod full_disk;
mod lost_log;
mod odd_flags;
mod own_past;
mod panics;
