//! Groups of the records that a list would show, and what they come to.

use std::sync::Arc;

use backstay_base::{Error, Place, ViolationKind, limits};
use backstay_scalar::Value;
use backstay_sql::Groups;

use crate::asked::{self, View};
use crate::bind::{Bindings, Question, Words};
use crate::currencies;
use crate::inner::Inner;
use crate::plans::{ListKey, ListPlan};
use crate::read::{
    PageBody, PageRows, PageSize, Reads, Way, check_page, check_search, check_selected, check_values, is_too_large,
    may_at_all, name_caller,
};
use crate::{Aggregate, Context, Encoder, Page, PageEnd, PageOrder};

/// A reading of groups that its caller may make, planned.
#[derive(Debug)]
pub(crate) struct PreparedAggregate {
    plan: Arc<ListPlan>,
    request: Aggregate,
    params: Vec<Value>,
}

/// Plans a reading of groups.
pub(crate) fn prepare(inner: &Inner, cx: &Context, mut request: Aggregate) -> Result<PreparedAggregate, Error> {
    let class = &cx.class;
    let view = View { model: &inner.application.model, rights: &class.rights };
    let collection = view.model.collection(request.collection);
    may_at_all(&class.rights, cx, collection, request.action())?;
    name_caller(&mut request.filter, (cx, collection))?;
    check_page(request.limit, (&request.start, request.groups.order().len()), &request.filter)?;
    check_size(&request.groups)?;
    check_search(request.search.as_deref(), request.perspective)?;
    check_selected(&request.params)?;
    check_values(&request.filter, collection)?;
    asked::past_of_groups((collection, request.perspective), (&request.groups, &request.filter), cx.now)?;
    let plan = class.plans.list(ListKey::of_groups(&request), |key| {
        asked::filter(view, collection, &request.filter)?;
        asked::groups(view, collection, &request.groups)?;
        if request.search.is_some() {
            asked::searched(view, collection, &Place::Search)?;
        }
        currencies::share_one(&request.groups, &request.filter)?;
        Ok(ListPlan::new(key, view, &inner.planner))
    })?;
    let params = take_params(&mut request);
    Ok(PreparedAggregate { plan, request, params })
}

/// Takes the values of the filter, of the equalities and of what is asked of groups out of a request.
fn take_params(request: &mut Aggregate) -> Vec<Value> {
    let equal = std::mem::take(&mut request.filter.equals).into_iter().map(|(_, value)| value);
    let mut params = request.filter.expression.take().map(|expression| expression.params).unwrap_or_default();
    params.extend(equal);
    params.append(&mut request.params);
    params
}

/// Refuses more outputs than groups may have.
fn check_size(groups: &Groups) -> Result<(), Error> {
    let refuse = |at, most| Err(Error::malformed(at, ViolationKind::Range(format!("at most {most} values"))));
    if groups.by.len() > limits::GROUP_KEYS {
        return refuse(Place::Group, limits::GROUP_KEYS);
    }
    if groups.of.len() > limits::GROUP_VALUES {
        let at = if groups.answered > limits::GROUP_VALUES { Place::Select } else { Place::Having };
        return refuse(at, limits::GROUP_VALUES);
    }
    if groups.sort.len() > limits::SORT_FIELDS {
        return refuse(Place::Sort, limits::SORT_FIELDS);
    }
    let bytes: usize = groups.written().map(|written| written.text.len()).sum();
    if bytes > limits::PARAMETER_BYTES {
        let range = format!("expressions of at most {} bytes", limits::PARAMETER_BYTES);
        return Err(Error::malformed(Place::Select, ViolationKind::Range(range)));
    }
    Ok(())
}

/// A page of the groups, in one statement. Groups that would make the answer too large are left to the next page.
pub(crate) async fn aggregate<R: Reads>(
    reads: &mut R,
    (_, cx): (&Inner, &Context),
    prepared: &PreparedAggregate,
    (encoder, size): (&'static dyn Encoder, PageSize),
) -> Result<Page, Error> {
    let PreparedAggregate { plan, request, params } = prepared;
    let mut rows = PageRows::first(request.limit);
    loop {
        let bindings = Bindings {
            params,
            cursor: request.start.values(),
            skip: request.start.skipped(),
            as_of: request.perspective.moment(),
            words: Words::Sought(request.search.as_deref()),
            limit: rows.asked(),
            ..Bindings::new(cx.caller(), cx.now)
        };
        let (template, collection, withheld) = (&plan.page.template, request.collection, plan.names_classified);
        let question = Question { template, bindings, collection, withheld };
        let sink = PageBody::new((Arc::clone(plan), Way::of(&request.start)), (encoder, size), (rows, &cx.memory));
        match reads.rows(question, sink).await {
            (body, Ok(())) => {
                let order = PageOrder::Groups(&request.groups);
                return body.finish(&|next, previous| PageEnd { order, next, previous, count: None });
            }
            (body, Err(error)) if is_too_large(&error) => rows = rows.fewer(body.written).ok_or(error)?,
            (_, Err(error)) => return Err(error),
        }
    }
}
