"""SINTEF's SHOP cases in YAML, read as our own watercourses."""

from hydrobid.schema.shop.case import ShopCase, is_shop, shop_case_of

__all__ = ["ShopCase", "is_shop", "shop_case_of"]
