//! The checker on small made-up crates.

use std::collections::BTreeMap;

use super::Graph;

type Files = [(&'static str, &'static str)];

/// The edges of a made-up crate, each as `a -> b: names`, without folders and endings in the file names.
fn edges(files: &Files) -> Vec<String> {
    let graph = read_all(files);
    let edge = |from, (to, names): (&str, &std::collections::BTreeSet<String>)| {
        let names: Vec<_> = names.iter().map(String::as_str).collect();
        format!("{} -> {}: {}", short(from), short(to), names.join(", "))
    };
    graph.files().flat_map(|from| graph.imports_of(from).map(move |to| edge(from, to))).collect()
}

fn cycles(files: &Files) -> Vec<Vec<String>> {
    let graph = read_all(files);
    let name = |cycle: Vec<&str>| cycle.into_iter().map(|file| short(file).to_owned()).collect();
    graph.cycles().into_iter().map(name).collect()
}

fn read_all(files: &Files) -> Graph {
    let files: BTreeMap<_, _> = files.iter().copied().collect();
    super::read("src/lib.rs", &|path| files.get(path).map(|&text| text.to_owned()))
}

fn short(file: &str) -> &str {
    file.trim_start_matches("src/").trim_end_matches(".rs")
}

#[test]
fn declaring_and_re_exporting_children_is_no_edge() {
    let files = [
        ("src/lib.rs", "mod a; pub use a::A; pub(crate) use a::inner::Inner;"),
        ("src/a.rs", "pub mod inner; pub use inner::*; pub struct A(crate::Inner);"),
        ("src/a/inner.rs", "pub struct Inner;"),
    ];
    assert_eq!(edges(&files), ["a -> a/inner: crate::Inner"]);
    assert!(cycles(&files).is_empty());
}

#[test]
fn a_parent_that_uses_what_it_re_exports_takes_it() {
    let files = [
        ("src/lib.rs", "mod a;"),
        ("src/a.rs", "mod b; pub use b::B; pub struct A(B);"),
        ("src/a/b.rs", "use super::A; pub struct B(Box<A>);"),
    ];
    assert_eq!(cycles(&files), [["a", "a/b"]]);
    assert_eq!(edges(&files), ["a -> a/b: b::B", "a/b -> a: super::A"]);
}

#[test]
fn siblings_through_their_parent_are_an_edge_between_them() {
    let files = [
        ("src/lib.rs", "mod a;"),
        ("src/a.rs", "mod b; mod c; pub use c::C;"),
        ("src/a/b.rs", "use super::C; fn f(_: C) {}"),
        ("src/a/c.rs", "pub struct C;"),
    ];
    assert_eq!(edges(&files), ["a/b -> a/c: super::C"]);
}

#[test]
fn inline_paths_close_a_cycle() {
    let files = [
        ("src/lib.rs", "mod a; mod b;"),
        ("src/a.rs", "pub fn f() { crate::b::g() }"),
        ("src/b.rs", "pub fn g() { let _ = super::a::f; }"),
    ];
    assert_eq!(cycles(&files), [["a", "b"]]);
}

#[test]
fn paths_through_an_imported_or_declared_module_are_followed() {
    let files = [
        ("src/lib.rs", "mod a; mod b; fn run() { b::g() }"),
        ("src/a.rs", "pub fn f() -> u8 { 0 }"),
        (
            "src/b.rs",
            "use crate::a::{self as other}; use super::a; pub fn g() { other::f(); a::f(); }",
        ),
    ];
    assert_eq!(edges(&files), ["b -> a: a::f, other::f", "lib -> b: b::g"]);
}

#[test]
fn use_trees_are_taken_apart() {
    let files = [
        ("src/lib.rs", "mod a; mod b;"),
        ("src/a.rs", "pub mod c; pub trait T {} pub struct A;"),
        ("src/a/c.rs", "pub struct C; pub struct D;"),
        ("src/b.rs", "use crate::{a::{T as _, A as Renamed, c::{C, D}}};"),
    ];
    let found = edges(&files);
    assert_eq!(
        found,
        ["b -> a: crate::a::A, crate::a::T", "b -> a/c: crate::a::c::C, crate::a::c::D"]
    );
}

#[test]
fn a_glob_counts_the_names_that_are_used() {
    let files = [
        ("src/lib.rs", "mod a; mod b; mod prelude;"),
        ("src/prelude.rs", "pub use crate::a::{A, Unused};"),
        ("src/a.rs", "pub struct A; pub struct Unused;"),
        ("src/b.rs", "use crate::prelude::*; fn f(_: A) {}"),
    ];
    let found = edges(&files);
    assert!(found.contains(&"b -> a: crate::prelude::A".to_owned()), "{found:?}");
    assert!(!found.iter().any(|edge| edge.starts_with("b -> prelude")), "{found:?}");
}

#[test]
fn macros_and_uses_inside_functions_count() {
    let files = [
        ("src/lib.rs", "mod a; mod b;"),
        ("src/a.rs", "pub fn f() -> u8 { use super::b::G; println!(\"{}\", G) }"),
        ("src/b.rs", "pub const G: u8 = 1; fn g() { view! { <p>{move || crate::a::f()}</p> } }"),
    ];
    assert_eq!(cycles(&files), [["a", "b"]]);
}

#[test]
fn the_module_that_defines_a_type_is_taken_for_its_variants_and_functions() {
    let files = [
        ("src/lib.rs", "mod a; mod b; pub use a::E;"),
        ("src/a.rs", "pub enum E { One } impl E { pub fn new() -> Self { Self::One } }"),
        ("src/b.rs", "use crate::E; fn f() -> E { E::new() } fn g() -> E { crate::E::One }"),
    ];
    assert_eq!(edges(&files), ["b -> a: E::new, crate::E, crate::E::One"]);
}

#[test]
fn tests_and_visibilities_and_other_crates_are_left_out() {
    let files = [
        ("src/lib.rs", "mod a; mod b; #[cfg(test)] mod testing;"),
        (
            "src/a.rs",
            "use serde::b; #[cfg(test)] mod tests; #[cfg(test)] use crate::b::B; pub struct A(pub(super) b::C);",
        ),
        (
            "src/b.rs",
            "pub struct B(pub(in crate::a) crate::a::A); #[cfg(all(test, unix))] mod inline { use crate::a; }",
        ),
    ];
    assert_eq!(edges(&files), ["b -> a: crate::a::A"]);
}

#[test]
fn an_inline_module_belongs_to_its_file() {
    let files = [
        ("src/lib.rs", "mod a; mod b;"),
        ("src/a.rs", "pub struct A; mod inner { use super::A; fn f() { super::super::b::g() } }"),
        ("src/b.rs", "pub fn g() {}"),
    ];
    assert_eq!(edges(&files), ["a -> b: super::super::b::g"]);
}

#[test]
fn modules_that_re_export_each_other_end_the_search() {
    let files = [
        ("src/lib.rs", "mod a; mod b;"),
        ("src/a.rs", "pub use super::b::*;"),
        ("src/b.rs", "pub use super::a::*; fn f() { Nowhere::new() }"),
    ];
    assert_eq!(cycles(&files), Vec::<Vec<String>>::new());
}

#[test]
fn a_cycle_is_told_by_the_names_that_make_it() {
    let files = [
        ("src/lib.rs", "mod a; mod b; mod c;"),
        ("src/a.rs", "use crate::b::B; pub struct A;"),
        ("src/b.rs", "use crate::c::{C, D}; pub struct B;"),
        ("src/c.rs", "use crate::a::A; pub struct C; pub struct D;"),
    ];
    let graph = read_all(&files);
    let cycles = graph.cycles();
    assert_eq!(cycles.len(), 1);
    assert_eq!(
        graph.describe(&cycles[0]),
        "    src/a.rs -> src/b.rs: crate::b::B\n    src/b.rs -> src/c.rs: crate::c::C, crate::c::D\n    src/c.rs -> src/a.rs: crate::a::A\n"
    );
}
