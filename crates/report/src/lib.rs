//! What people look at: overlays, heat maps, raw maps and result tables.
