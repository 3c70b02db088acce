//! The words of reads of all types of an interface: they are read once for each type.

use backstay_base::{Error, RecordId};
use backstay_engine::{Get, List, OfTypes};
use backstay_model::{CollectionId, InterfaceId};

use crate::history::{GetWords, of_record};
use crate::list::{check_size, from_body, from_query, in_body};
use crate::list_words::ListWords;
use crate::reader::{Named, Reader};

impl Reader {
    /// Reads the query of `GET /api/{interface}/{id}`.
    pub fn get_of_types_of_query(
        &self,
        (interface, id): (InterfaceId, RecordId),
        query: Option<&str>,
    ) -> Result<OfTypes<Get>, Error> {
        self.get_of_types((interface, id), &of_record(query)?)
    }

    /// The typed form of a get of a record of any of an interface's types.
    pub fn get_of_types(
        &self,
        (interface, id): (InterfaceId, RecordId),
        words: &GetWords<'_>,
    ) -> Result<OfTypes<Get>, Error> {
        let GetWords { select, params, as_of } = words;
        let get = |collection: &CollectionId| {
            let (collection, interface) = (*collection, Some(interface));
            let (selection, params) = self.selected(Named { collection, interface }, select.as_deref(), params)?;
            let perspective = self.perspective(collection, as_of.as_deref())?;
            Ok(Get { collection, which: id.into(), selection, params, perspective })
        };
        let types = self.model().interface(interface).types.iter();
        Ok(OfTypes { interface, each: types.map(get).collect::<Result<_, Error>>()? })
    }

    /// Reads the query of `GET /api/{interface}`.
    pub fn list_of_types_of_query(&self, interface: InterfaceId, query: Option<&str>) -> Result<OfTypes<List>, Error> {
        self.list_of_types(interface, |collection| from_query(self.model().collection(collection), query))
    }

    /// Reads the body of `POST /api/{interface}:query`.
    pub fn list_of_types_of_body(&self, interface: InterfaceId, body: &[u8]) -> Result<OfTypes<List>, Error> {
        check_size(body)?;
        self.list_of_types(interface, |collection| from_body(collection, body)).map_err(in_body)
    }

    /// The typed form of a list of the records of an interface's types, from the words for each of them.
    fn list_of_types<'w>(
        &self,
        interface: InterfaceId,
        words: impl Fn(CollectionId) -> Result<ListWords<'w>, Error>,
    ) -> Result<OfTypes<List>, Error> {
        let types = self.model().interface(interface).types.iter();
        let each = types.map(|id| self.list_of(&words(*id)?, Some(interface))).collect::<Result<_, Error>>()?;
        Ok(OfTypes { interface, each })
    }
}
