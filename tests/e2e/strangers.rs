//! Strangers' bad days: people, machines, networks, proxies, browsers, clocks and disks that are not ours.

mod client;
mod client_window;
mod clocks;
mod cookies;
mod costly_reads;
mod end_of_session;
mod few_files;
mod full_disk;
mod held_database;
mod keys;
mod links;
mod lost_log;
mod names;
mod newer_server;
mod odd_flags;
mod open_rooms;
mod own_past;
mod pages;
mod panics;
mod ratings;
mod said;
mod seats;
mod shared_streams;
mod silent_lines;
mod windows;
