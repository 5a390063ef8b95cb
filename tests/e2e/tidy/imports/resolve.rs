//! From paths as written to the file that defines the item.

use std::collections::BTreeSet;

use super::graph::Graph;
use super::parse::{Import, Module, Modules, Segments};

/// Re-exports of re-exports go no deeper than this. It ends the search where two modules re-export each other.
const DEPTH_MAX: usize = 16;

/// Builds the graph: an edge for each name that a module takes from another file.
pub(super) fn graph(modules: &Modules) -> Graph {
    let mut graph = Graph::default();
    let resolver = Resolver { modules };
    for (path, module) in modules {
        graph.files.insert(module.file.clone());
        for (target, name) in resolver.taken(path, module) {
            graph.add_edge(&module.file, &modules[&target].file, &name);
        }
    }
    graph
}

struct Resolver<'a> {
    modules: &'a Modules,
}

/// What a path leads to.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Target {
    /// A module itself. Taking a module is no edge; taking something out of it is.
    Module(Segments),
    /// An item, by the module that defines it.
    ItemOf(Segments),
}

impl Resolver<'_> {
    /// The modules whose items this module takes, each with the path as written.
    fn taken(&self, path: &[String], module: &Module) -> BTreeSet<(Segments, String)> {
        let mut taken = BTreeSet::new();
        for import in &module.imports {
            // An import that others reach through this module counts where this module uses it, too.
            let is_used = import.name.as_ref().is_none_or(|name| module.heads.contains(name));
            for target in self.items(path, &import.path) {
                let passes_on = import.is_reexport && target.starts_with(path);
                if is_used || !passes_on {
                    taken.insert((target, import.path.join("::")));
                }
            }
        }
        for written in &module.paths {
            let targets = self.items(path, written);
            taken.extend(targets.into_iter().map(|target| (target, written.join("::"))));
        }
        for glob in &module.globs {
            taken.extend(self.taken_through(path, module, glob));
        }
        taken
    }

    /// What a module uses of the names that a glob brings in.
    fn taken_through(
        &self,
        path: &[String],
        module: &Module,
        glob: &Import,
    ) -> BTreeSet<(Segments, String)> {
        let mut taken = BTreeSet::new();
        for source in self.resolve(path, &glob.path, 0) {
            let (Target::Module(source) | Target::ItemOf(source)) = source;
            for name in &module.heads {
                let found = self.look_up(&source, name, false, 0).into_iter();
                let items = found.filter_map(|target| match target {
                    Target::ItemOf(module) => {
                        Some((module, format!("{}::{name}", glob.path.join("::"))))
                    }
                    Target::Module(_) => None,
                });
                taken.extend(items);
            }
        }
        taken
    }

    /// The modules that define what a path written in `module` can mean.
    fn items(&self, module: &[String], written: &[String]) -> BTreeSet<Segments> {
        let only_items = |target| match target {
            Target::ItemOf(module) => Some(module),
            Target::Module(_) => None,
        };
        self.resolve(module, written, 0).into_iter().filter_map(only_items).collect()
    }

    /// Follows a path from the module in which it is written. Empty when it leads out of the crate.
    fn resolve(&self, module: &[String], written: &[String], depth: usize) -> BTreeSet<Target> {
        let mut at = module.to_vec();
        let mut rest = written;
        while let Some((first, behind)) = rest.split_first() {
            match first.as_str() {
                "crate" => at.clear(),
                "self" => {}
                "super" => drop(at.pop()),
                _ => break,
            }
            rest = behind;
        }
        let mut found = BTreeSet::from([Target::Module(at)]);
        for (position, segment) in rest.iter().enumerate() {
            let leads_on = position + 1 < rest.len();
            let step = |target: Target| match target {
                Target::Module(module) => self.look_up(&module, segment, leads_on, depth),
                // A variant, a constant or a function of a type: the type says where it is defined.
                item @ Target::ItemOf(_) => BTreeSet::from([item]),
            };
            found = found.into_iter().flat_map(step).collect();
        }
        found
    }

    /// What `name` means in a module. With `leads_on`, more of a path follows, so a module comes before an item of that name.
    fn look_up(
        &self,
        path: &[String],
        name: &str,
        leads_on: bool,
        depth: usize,
    ) -> BTreeSet<Target> {
        let mut found = BTreeSet::new();
        let Some(module) = self.modules.get(path) else { return found };
        if depth > DEPTH_MAX {
            return found;
        }
        let child = [path, &[name.to_owned()]].concat();
        if self.modules.contains_key(&child) {
            found.insert(Target::Module(child));
        }
        if (found.is_empty() || !leads_on) && module.items.contains(name) {
            found.insert(Target::ItemOf(path.to_vec()));
        }
        if found.is_empty() {
            let same = module.imports.iter().filter(|import| import.name.as_deref() == Some(name));
            // `use name;` in a module that imports a crate of the same name leads nowhere.
            let inner = same.filter(|import| import.path.len() > 1 || import.path[0] != name);
            found.extend(inner.flat_map(|import| self.resolve(path, &import.path, depth + 1)));
        }
        if found.is_empty() {
            let glob = |glob: &Import| self.resolve(path, &glob.path, depth + 1);
            let sources = module.globs.iter().flat_map(glob);
            let look = |target| match target {
                Target::Module(source) if source != path => {
                    self.look_up(&source, name, leads_on, depth + 1)
                }
                Target::Module(_) => BTreeSet::new(),
                // The variants of an enum.
                item @ Target::ItemOf(_) => BTreeSet::from([item]),
            };
            found.extend(sources.flat_map(look));
        }
        found
    }
}
