//! Declared types.

use flowline_check::model::{self, Ty};
use flowline_plan::{
    Abandon, EventDef, EventKey, Expiry, FieldDef, ResourceDef, StateDef, Type, TypeDef, TypeKind, VariantDef,
};

use crate::{Cx, FIRST, code, code::Names};

pub(crate) fn def(cx: &Cx<'_>, def: &model::TypeDef) -> TypeDef {
    let kind = match &def.kind {
        model::TypeKind::Id => TypeKind::Id,
        model::TypeKind::Enum(cases) => {
            let cases =
                cases.iter().map(|case| VariantDef { name: case.name.clone(), fields: fields(cx, &case.fields) });
            TypeKind::Enum(cases.collect())
        }
        model::TypeKind::Record(of) => TypeKind::Record(fields(cx, of)),
        model::TypeKind::Error(of) => TypeKind::Error(fields(cx, of)),
        model::TypeKind::Event(event) => TypeKind::Event(self::event(cx, event)),
        model::TypeKind::Resource(resource) => TypeKind::Resource(self::resource(cx, resource)),
    };
    TypeDef { name: def.name.clone(), doc: def.doc.clone(), kind }
}

/// A type with no more than its names: enough to read the text of a value.
pub(crate) fn names(def: &model::TypeDef) -> TypeDef {
    let kind = match &def.kind {
        model::TypeKind::Enum(cases) => {
            let cases = cases.iter().map(|case| VariantDef { name: case.name.clone(), fields: Vec::new() });
            TypeKind::Enum(cases.collect())
        }
        model::TypeKind::Id
        | model::TypeKind::Record(_)
        | model::TypeKind::Error(_)
        | model::TypeKind::Event(_)
        | model::TypeKind::Resource(_) => TypeKind::Id,
    };
    TypeDef { name: def.name.clone(), doc: String::new(), kind }
}

fn fields(cx: &Cx<'_>, fields: &[model::Field]) -> Vec<FieldDef> {
    let field = |field: &model::Field| FieldDef {
        name: field.name.clone(),
        ty: field.ty.to_plan(),
        pii: field.pii,
        check: field.check.as_ref().map(|(_, check)| code::code(cx, Names::default(), &FIRST, check)),
    };
    fields.iter().map(field).collect()
}

fn event(cx: &Cx<'_>, event: &model::EventDef) -> EventDef {
    let key = |key: &model::EventKey| EventKey {
        name: key.name.clone(),
        ty: key_type(key.parts.iter().map(|part| &part.ty)),
        code: code::key(cx, Names::default(), &FIRST, &key.parts, key.span),
    };
    EventDef {
        version: event.version,
        ce_type: event.ce_type.clone(),
        from: event.from.clone(),
        fields: fields(cx, &event.fields),
        keys: event.keys.iter().map(key).collect(),
        kept_ms: event.kept_ms,
    }
}

/// The type of a key: that of its one part, or a list of the parts of a composite one. Parts of different types stand in it
/// as texts.
pub(crate) fn key_type<'a>(parts: impl ExactSizeIterator<Item = &'a Ty>) -> Type {
    let count = u32::try_from(parts.len()).unwrap_or(u32::MAX);
    let mut types: Vec<Type> = parts.map(Ty::to_plan).collect();
    if count == 1 {
        return types.pop().unwrap_or(Type::Unit);
    }
    types.dedup();
    let only = types.pop().filter(|_| types.is_empty());
    Type::List(Box::new(only.unwrap_or(Type::Text)), Some(count))
}

fn resource(cx: &Cx<'_>, resource: &model::ResourceDef) -> ResourceDef {
    let abandon = |row: &model::Abandon| Abandon {
        op: row.op,
        args: row.args.iter().map(|arg| code::code(cx, Names::default(), &FIRST, arg)).collect(),
    };
    let expiry = |at: &model::Expiry| Expiry { field: at.field, at_least_ms: at.at_least_ms, into: at.into };
    let state = |state: &model::State| StateDef {
        name: state.name.clone(),
        kind: state.kind,
        abandon: state.abandon.as_ref().map(abandon),
        expires: state.expires.as_ref().map(expiry),
    };
    ResourceDef {
        fields: fields(cx, &resource.fields),
        states: resource.states.iter().map(state).collect(),
        splits_by: resource.splits_by,
    }
}
