use std::ops::Range;
use std::sync::Arc;

use backstay_base::limits;
use backstay_model::Model;

use super::typing::{is_alike, name_of};
use crate::error::{ExprError, ExprErrorKind};
use crate::{Parameter, Type};

/// The parameters that an expression names, each with the one type that all its uses agree on.
#[derive(Default)]
pub(super) struct Parameters {
    used: Vec<Used>,
}

struct Used {
    name: Arc<str>,
    /// `None` until a use tells it.
    ty: Option<Type>,
    /// Where it is used first.
    span: Range<u32>,
}

impl Parameters {
    /// Notes a use of a parameter: its index, and its type as far as it is known with this use.
    pub(super) fn note(
        &mut self,
        model: &Model,
        name: &str,
        hint: Option<&Type>,
        span: &Range<u32>,
    ) -> Result<(u16, Option<Type>), ExprErrorKind> {
        let index = match self.used.iter().position(|param| &*param.name == name) {
            Some(index) => index,
            None if self.used.len() == limits::FILTER_PARAMETERS => return Err(ExprErrorKind::TooManyParameters),
            None => {
                self.used.push(Used { name: Arc::from(name), ty: None, span: span.clone() });
                self.used.len() - 1
            }
        };
        let known = &mut self.used[index].ty;
        match (known.as_ref(), hint.filter(|hint| **hint != Type::Null)) {
            (Some(one), Some(other))
                if one != other && (!is_alike(one, other) || *one == Type::Text || *other == Type::Text) =>
            {
                let (one, other) = (name_of(model, one), name_of(model, other));
                return Err(ExprErrorKind::TwoTypes { name: name.to_owned(), one, other });
            }
            (None, Some(hint)) => *known = Some(hint.clone()),
            (Some(_), _) | (None, None) => {}
        }
        let number = u16::try_from(index).expect("there are at most `limits::FILTER_PARAMETERS`");
        Ok((number, known.clone()))
    }

    /// All parameters in the order of their indexes, and an error for each whose type no use tells.
    pub(super) fn finish(self) -> (Vec<Parameter>, Vec<ExprError>) {
        let (mut typed, mut errors) = (Vec::with_capacity(self.used.len()), Vec::new());
        for Used { name, ty, span } in self.used {
            if let Some(ty) = ty {
                typed.push(Parameter { name, ty });
            } else {
                let kind = ExprErrorKind::UntypedParameter { name: name.as_ref().to_owned() };
                errors.push(ExprError::new(span, kind));
            }
        }
        (typed, errors)
    }
}
