use std::path::PathBuf;

use backstay_base::nearest;
use backstay_model::{Collection, CollectionId, Model, Owner, SourceFile};

use super::SeedError;

/// The directory with one directory for each pack.
pub(crate) const PACKS: &str = "packs";

/// The directory with the seed files of an application or of a pack.
pub(crate) const SEED: &str = "seed";

/// Where a seed file is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SeedPath {
    /// The pack that it is of; `None`: the application.
    pub(crate) pack: Option<String>,
    /// The name of the file, such as `Post.jsonl`.
    pub(crate) file: String,
    /// The path with which to open it.
    pub(crate) path: PathBuf,
}

impl SeedPath {
    /// The name by which the database knows what is loaded of it.
    pub(crate) fn name(&self) -> String {
        match &self.pack {
            Some(pack) => format!("{PACKS}/{pack}/{SEED}/{}", self.file),
            None => self.file.clone(),
        }
    }

    /// The type that it is named after; none if it is of a pack that the model doesn't include.
    pub(crate) fn collection(&self, model: &Model) -> Result<Option<CollectionId>, SeedError> {
        let is_included = |pack: &String| model.packs.iter().any(|included| included.name == *pack);
        if !self.pack.as_ref().is_none_or(is_included) {
            return Ok(None);
        }
        let name = self.file.strip_suffix(".jsonl").unwrap_or(&self.file);
        let known = || model.collections.iter().filter(|collection| self.can_fill(model, collection));
        if let Some(collection) = known().find(|collection| collection.name == name) {
            return Ok(Some(collection.id));
        }
        let renamed = known().find(|collection| collection.former.iter().any(|former| former == name));
        let renamed = renamed.map(|collection| collection.name.as_str());
        let suggestion = renamed.or_else(|| nearest(name, known().map(|collection| collection.name.as_str())));
        let suggestion = suggestion.map(str::to_owned);
        Err(match &self.pack {
            Some(pack) => SeedError::NotOfPack { file: self.name(), pack: pack.clone(), suggestion },
            None => SeedError::Type { file: self.name(), suggestion },
        })
    }

    /// Whether it may bring records of this type. No access rule is asked of them, so those of a pack are of its own types,
    /// and no accounts.
    fn can_fill(&self, model: &Model, collection: &Collection) -> bool {
        let Some(pack) = &self.pack else { return !collection.system };
        let owner = model.sources.file(collection.span).map(SourceFile::owner);
        owner == Some(Owner::Pack(pack)) && model.identity != Some(collection.id)
    }
}
