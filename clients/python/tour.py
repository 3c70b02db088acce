"""The newsroom's tour through the client that a generator made of its OpenAPI document: `tour.py URL`."""

import sys

from newsroom import AuthenticatedClient, Client
from newsroom.api.accounts import me, sign_in
from newsroom.api.comment import create_comment, delete_comment, update_comment
from newsroom.api.post import aggregate_query_post, get_by_post, list_post, query_post, replace_by_post
from newsroom.api.transactions import transact
from newsroom.models import (
    AggregateQueryPostBody,
    CommentCreate,
    CommentPatch,
    PostReplace,
    PostReplaceSectionType1,
    QueryPostBody,
    QueryPostBodyParams,
    SignInBody,
    TransactBody,
)


def check(found, expected):
    if found != expected:
        sys.exit(f"expected {expected!r}\nfound    {found!r}")


url = sys.argv[1]
anyone = Client(base_url=url)

page = list_post.sync(client=anyone, select="title", sort="-publishedAt", limit=2, count=True)
check([post.title for post in page.items], ["A night at the small theatre", "The budget in one chart"])
check((page.count.value, page.count.more), (4, False))

found = list_post.sync(client=anyone, search="moon", select="title")
check([post.title for post in found.items], ["What the moon weighs"])

query = QueryPostBody(filter_="words > $least", select="title,words,tags{name}")
query.params = QueryPostBodyParams.from_dict({"least": 1000})
[moon] = query_post.sync(client=anyone, body=query).items
check((moon.words, [tag.name for tag in moon.tags]), (1850, ["moon", "long read"]))

groups = aggregate_query_post.sync(client=anyone, body=AggregateQueryPostBody(group="state", select="count,sum(words)"))
check([group.to_dict() for group in groups.items], [{"state": "PUBLISHED", "count": 4, "sumWords": 3820}])

moon = get_by_post.sync(client=anyone, slug="what-the-moon-weighs")
problem = get_by_post.sync_detailed(client=anyone, slug="no-such-post")
check((problem.status_code, problem.parsed.type_), (404, "/problems/not-found"))

session = sign_in.sync(client=anyone, body=SignInBody(email="ben@example.org", password="staple paper scissors"))
ben = AuthenticatedClient(base_url=url, token=session.token)
check(me.sync(client=ben).to_dict()["roles"], ["WRITER"])

comment = create_comment.sync(client=ben, body=CommentCreate(body="About a metre.", post=moon.id))
check((comment.body, comment.version), ("About a metre.", 1))
change = CommentPatch(body="About two.")
tag = f'"{comment.version}.x"'
changed = update_comment.sync_detailed(id=comment.id, client=ben, body=change, if_match=tag)
check((changed.status_code, changed.parsed.body, changed.parsed.version), (200, "About two.", 2))
stale = update_comment.sync_detailed(id=comment.id, client=ben, body=change, if_match=tag)
check(stale.status_code, 412)
check(delete_comment.sync_detailed(id=comment.id, client=ben).status_code, 204)

science = PostReplaceSectionType1(slug="science")
post = PostReplace(title="Herons", body="Who owns a river?", section=science, slug="herons")
check(replace_by_post.sync_detailed(client=ben, slug="herons", body=post).status_code, 201)
post.title = "Herons in court"
replaced = replace_by_post.sync_detailed(client=ben, slug="herons", body=post)
check((replaced.status_code, replaced.parsed.title), (200, "Herons in court"))

comments = {"where": {"post": str(moon.id)}, "select": "body", "sort": "-createdAt", "limit": 1}
requests = [
    {"create": "comments", "body": {"post": str(moon.id), "body": "A second thought."}, "select": "body"},
    {"list": "comments", "query": comments},
]
made, listed = transact.sync(client=ben, body=TransactBody.from_dict({"requests": requests})).results
check((made.to_dict(), listed["items"]), ({"body": "A second thought."}, [{"body": "A second thought."}]))
