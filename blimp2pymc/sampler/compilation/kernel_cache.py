"""numba's disk cache of compiled functions, in the folder of `compiled`.

Imports numba; reached only when something has to be compiled.
"""

from __future__ import annotations

from collections.abc import Callable

from numba.core.caching import CompileResultCacheImpl, FunctionCache, _CacheLocator

from blimp2pymc.sampler.compilation.compiled import cache_folder, source_hash


class KernelCacheLocator(_CacheLocator):
    """Tells numba the folder, and that a hash of all sources is the version."""

    def __init__(self, function: Callable, file: str) -> None:
        self._line = function.__code__.co_firstlineno

    @classmethod
    def from_function(cls, function: Callable, file: str) -> KernelCacheLocator:
        """Take every function."""
        return cls(function, file)

    def get_cache_path(self) -> str:
        """Folder of the cache files."""
        return str(cache_folder())

    def get_source_stamp(self) -> str:
        """Version of the sources."""
        return source_hash()

    def get_disambiguator(self) -> str:
        """Part of the file name that tells equally named functions of a module apart."""
        return str(self._line)


class _KernelCacheImpl(CompileResultCacheImpl):
    _locator_classes = (KernelCacheLocator,)


class KernelCache(FunctionCache):
    """numba's cache of compiled functions, in our folder."""

    _impl_class = _KernelCacheImpl
