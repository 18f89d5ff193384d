from index.postgres import PostgresIndex
from index.search import Searcher
from corpus.store import Filter


def test_it(postgres_store, words_embedder):
    told = []
    index = PostgresIndex(postgres_store, words_embedder, told.append, lambda *a: None)
    now = index.snapshot()
    print(told, now.manifest)
    s = Searcher(postgres_store, now, words_embedder)
    for q in ("điện mặt trời", "dien mat troi", "siêu thị ở Bắc Kạn", '"bao bì dễ phân hủy"'):
        for only in (Filter(), Filter(year=2021), Filter(task_group="green_distribution", province="Bắc Kạn")):
            r = s.search(q, 10, only, cut=0)
            print(q, only, [(h.paragraph.id, h.score, h.ranks, h.scores) for h in r.hits], r.facets)
    assert 0
