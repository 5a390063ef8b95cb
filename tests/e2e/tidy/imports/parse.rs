//! Modules as written: their items, imports and paths, before any name is resolved.

use std::collections::{BTreeMap, BTreeSet};

use proc_macro2::{TokenStream, TokenTree};
use syn::visit::{self, Visit};
use syn::{Attribute, Ident, ImplItem, Item, ItemMod, ItemUse, Meta, UseTree, Visibility};

/// Reads a file by its path; `None` where no such file exists.
pub(crate) type ReadFile<'a> = dyn Fn(&str) -> Option<String> + 'a;

/// A path in the source, segment by segment: `crate`, `super` and `self` as they stand there.
pub(super) type Segments = Vec<String>;

/// One `use` of one name, after its tree has been taken apart.
#[derive(Debug)]
pub(super) struct Import {
    /// The name that it binds. `None` for `as _`.
    pub(super) name: Option<String>,
    pub(super) path: Segments,
    /// Other modules can reach the item through this one.
    pub(super) is_reexport: bool,
}

/// One module of a crate.
#[derive(Debug, Default)]
pub(super) struct Module {
    /// The file that holds it. Inline modules share the file of their parent.
    pub(super) file: String,
    /// Names that the module itself defines, other than modules.
    pub(super) items: BTreeSet<String>,
    pub(super) imports: Vec<Import>,
    /// The modules of `use …::*`.
    pub(super) globs: Vec<Import>,
    /// Paths of two segments or more in the code.
    pub(super) paths: BTreeSet<Segments>,
    /// The first names of all paths in the code, of one segment or more: tells which re-exports and globs the module itself uses.
    pub(super) heads: BTreeSet<String>,
}

/// The modules of a crate by their path from its root, which is empty for the root itself.
pub(super) type Modules = BTreeMap<Segments, Module>;

/// Reads the root file and every module that it declares, directly or through others.
pub(super) fn modules(root: &str, read_file: &ReadFile<'_>) -> Modules {
    let mut modules = Modules::new();
    let folder = folder_of(root).to_owned();
    let mut files = vec![Source { path: Segments::new(), file: root.to_owned(), folder }];
    while let Some(source) = files.pop() {
        let file = &source.file;
        let text = read_file(file).unwrap_or_else(|| panic!("{file} does not exist"));
        let parsed = syn::parse_file(&text).unwrap_or_else(|error| panic!("{file}: {error}"));
        read_module(source, &parsed.items, &mut modules, &mut files);
    }
    modules
}

/// Where the text of a module stands, and in which folder its child modules are looked for.
struct Source {
    path: Segments,
    file: String,
    folder: String,
}

/// Reads one module and the inline modules in it. Declared modules with files of their own are added to `files`.
fn read_module(source: Source, items: &[Item], modules: &mut Modules, files: &mut Vec<Source>) {
    let mut reader = Reader::default();
    items.iter().for_each(|item| reader.visit_item(item));
    let Reader { mut module, declared } = reader;
    module.file.clone_from(&source.file);
    for declared in declared {
        let name = declared.ident.to_string();
        let path = [&source.path[..], std::slice::from_ref(&name)].concat();
        let mut folder = join(&source.folder, &name);
        let mut file = source.file.clone();
        if declared.content.is_none() {
            file = format!("{folder}.rs");
            if let Some(at) = path_attribute(&declared.attrs) {
                file = join(folder_of(&source.file), &at);
                folder = folder_of(&file).to_owned();
            }
        }
        let child = Source { path, file, folder };
        match &declared.content {
            Some((_, items)) => read_module(child, items, modules, files),
            None => files.push(child),
        }
    }
    modules.insert(source.path, module);
}

fn folder_of(file: &str) -> &str {
    file.rsplit_once('/').map_or("", |(folder, _)| folder)
}

/// Joins two paths and resolves `..`.
fn join(folder: &str, path: &str) -> String {
    let mut parts: Vec<&str> = folder.split('/').filter(|part| !part.is_empty()).collect();
    for part in path.split('/') {
        match part {
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    parts.join("/")
}

/// Reads what one module holds, but not its child modules.
#[derive(Default)]
struct Reader {
    module: Module,
    declared: Vec<ItemMod>,
}

impl Reader {
    fn add_use(&mut self, tree: &UseTree, before: &[String], is_reexport: bool) {
        let with = |ident: &Ident| [before, &[name(ident)]].concat();
        let mut import = |bound: Option<String>, path: Segments| {
            self.module.imports.push(Import { name: bound, path, is_reexport });
        };
        match tree {
            UseTree::Path(tree) => self.add_use(&tree.tree, &with(&tree.ident), is_reexport),
            UseTree::Name(tree) if tree.ident == "self" => {
                import(before.last().cloned(), before.to_vec());
            }
            UseTree::Name(tree) => import(Some(name(&tree.ident)), with(&tree.ident)),
            UseTree::Rename(tree) => {
                let bound = (tree.rename != "_").then(|| name(&tree.rename));
                let path = if tree.ident == "self" { before.to_vec() } else { with(&tree.ident) };
                import(bound, path);
            }
            UseTree::Glob(_) => {
                let path = before.to_vec();
                self.module.globs.push(Import { name: None, path, is_reexport });
            }
            UseTree::Group(group) => {
                group.items.iter().for_each(|tree| self.add_use(tree, before, is_reexport));
            }
        }
    }

    /// Macros are not parsed; what looks like a path in them is one.
    fn add_tokens(&mut self, tokens: TokenStream) {
        let mut path = Segments::new();
        let mut colons = 0;
        let mut behind_dot = false;
        for token in tokens {
            let is_dot = matches!(&token, TokenTree::Punct(mark) if mark.as_char() == '.');
            match token {
                // A field or a method.
                TokenTree::Ident(_) if behind_dot => {}
                TokenTree::Ident(ident) => {
                    if colons != 2 {
                        self.add_path(std::mem::take(&mut path));
                    }
                    path.push(name(&ident));
                    colons = 0;
                }
                TokenTree::Punct(mark) if mark.as_char() == ':' && !path.is_empty() => colons += 1,
                other => {
                    self.add_path(std::mem::take(&mut path));
                    colons = 0;
                    if let TokenTree::Group(group) = other {
                        self.add_tokens(group.stream());
                    }
                }
            }
            behind_dot = is_dot;
        }
        self.add_path(path);
    }

    fn add_path(&mut self, path: Segments) {
        self.module.heads.extend(path.first().cloned());
        if path.len() > 1 {
            self.module.paths.insert(path);
        }
    }
}

impl<'ast> Visit<'ast> for Reader {
    fn visit_item(&mut self, item: &'ast Item) {
        let Some((attributes, defined)) = attributes_and_name(item) else { return };
        if is_for_tests(attributes) {
            return;
        }
        self.module.items.extend(defined);
        match item {
            Item::Mod(item) if item.ident != "tests" => self.declared.push(item.clone()),
            Item::Mod(_) => {}
            item => visit::visit_item(self, item),
        }
    }

    fn visit_item_use(&mut self, item: &'ast ItemUse) {
        self.add_use(&item.tree, &[], !matches!(item.vis, Visibility::Inherited));
    }

    fn visit_impl_item(&mut self, item: &'ast ImplItem) {
        let attributes: &[Attribute] = match item {
            ImplItem::Const(item) => &item.attrs,
            ImplItem::Fn(item) => &item.attrs,
            ImplItem::Type(item) => &item.attrs,
            _ => &[],
        };
        if !is_for_tests(attributes) {
            visit::visit_impl_item(self, item);
        }
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        // `::name::…` starts at another crate.
        if path.leading_colon.is_none() {
            self.add_path(path.segments.iter().map(|segment| name(&segment.ident)).collect());
        }
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, item: &'ast syn::Macro) {
        self.visit_path(&item.path);
        self.add_tokens(item.tokens.clone());
    }

    /// `pub(in path)` takes nothing from `path`.
    fn visit_vis_restricted(&mut self, _: &'ast syn::VisRestricted) {}

    /// `derive`, `serde(with = …)`: only what is written as a path, not what stands in strings.
    fn visit_attribute(&mut self, attribute: &'ast Attribute) {
        if let Meta::List(list) = &attribute.meta {
            self.add_tokens(list.tokens.clone());
        }
    }
}

/// A name without the `r#` of a raw identifier.
fn name(ident: &Ident) -> String {
    let text = ident.to_string();
    text.strip_prefix("r#").map(str::to_owned).unwrap_or(text)
}

/// The attributes of an item, and the name that it defines in its module, if any.
fn attributes_and_name(item: &Item) -> Option<(&[Attribute], Option<String>)> {
    Some(match item {
        Item::Const(item) => (&item.attrs, Some(name(&item.ident))),
        Item::Enum(item) => (&item.attrs, Some(name(&item.ident))),
        Item::Fn(item) => (&item.attrs, Some(name(&item.sig.ident))),
        Item::Macro(item) => (&item.attrs, item.ident.as_ref().map(name)),
        Item::Static(item) => (&item.attrs, Some(name(&item.ident))),
        Item::Struct(item) => (&item.attrs, Some(name(&item.ident))),
        Item::Trait(item) => (&item.attrs, Some(name(&item.ident))),
        Item::TraitAlias(item) => (&item.attrs, Some(name(&item.ident))),
        Item::Type(item) => (&item.attrs, Some(name(&item.ident))),
        Item::Union(item) => (&item.attrs, Some(name(&item.ident))),
        Item::ExternCrate(item) => (&item.attrs, None),
        Item::ForeignMod(item) => (&item.attrs, None),
        Item::Impl(item) => (&item.attrs, None),
        Item::Mod(item) => (&item.attrs, None),
        Item::Use(item) => (&item.attrs, None),
        _ => return None,
    })
}

/// `#[cfg(test)]` and `#[cfg(all(test, …))]`.
fn is_for_tests(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        let Meta::List(list) = &attribute.meta else { return false };
        let condition = list.tokens.to_string().replace(' ', "");
        let only_tests = condition == "test" || condition.starts_with("all(test,");
        attribute.path().is_ident("cfg") && only_tests
    })
}

/// The file that `#[path = "…"]` names.
fn path_attribute(attributes: &[Attribute]) -> Option<String> {
    attributes.iter().find(|attribute| attribute.path().is_ident("path")).and_then(|attribute| {
        let Meta::NameValue(pair) = &attribute.meta else { return None };
        let syn::Expr::Lit(value) = &pair.value else { return None };
        let syn::Lit::Str(text) = &value.lit else { return None };
        Some(text.value())
    })
}
