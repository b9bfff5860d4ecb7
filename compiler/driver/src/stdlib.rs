//! The standard library: plain flow files, part of the binary.

/// Module, path as people see it, text.
pub const MODULES: [(&str, &str, &str); 8] = [
    ("std.erp", "std/erp.flow", include_str!("../../../stdlib/erp.flow")),
    ("std.inventory", "std/inventory.flow", include_str!("../../../stdlib/inventory.flow")),
    ("std.notify", "std/notify.flow", include_str!("../../../stdlib/notify.flow")),
    ("std.oms", "std/oms.flow", include_str!("../../../stdlib/oms.flow")),
    ("std.orders", "std/orders.flow", include_str!("../../../stdlib/orders.flow")),
    ("std.payments", "std/payments.flow", include_str!("../../../stdlib/payments.flow")),
    ("std.store_ops", "std/store_ops.flow", include_str!("../../../stdlib/store_ops.flow")),
    ("std.wms", "std/wms.flow", include_str!("../../../stdlib/wms.flow")),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_of_the_standard_library_is_listed() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../stdlib");
        let mut found: Vec<String> = std::fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .filter(|name| name.ends_with(".flow"))
            .map(|name| format!("std/{name}"))
            .collect();
        found.sort();
        assert_eq!(MODULES.map(|(_, path, _)| path.to_owned()).to_vec(), found);
    }
}
