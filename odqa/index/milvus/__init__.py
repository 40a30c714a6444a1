"""An index in a Milvus, or in a file of milvus-lite: the same questions, filters and changes as of an index folder."""
