# The newsroom's tour through the client that OpenAPI Generator made of its document: `ruby tour.rb URL`.

require "newsroom"

def check(found, expected)
  abort "expected #{expected.inspect}\nfound    #{found.inspect}" unless found == expected
end

def refused
  yield
  abort "expected a refusal"
rescue Newsroom::ApiError => refusal
  [refusal.code, JSON.parse(refusal.response_body)["type"]]
end

# The generator's own configuration sends an empty token, which isn't one.
class Anonymous < Newsroom::Configuration
  def auth_settings
    {}
  end
end

def client(url, configuration)
  configuration.scheme, configuration.host = url.split("://")
  Newsroom::ApiClient.new(configuration)
end

url = ARGV.fetch(0)
anyone = client(url, Anonymous.new)
posts = Newsroom::PostApi.new(anyone)

page = posts.list_post(select: "title", sort: "-publishedAt", limit: 2, count: true)
check page.items.map(&:title), ["A night at the small theatre", "The budget in one chart"]
check [page.count.value, page.count.more], [4, false]

check posts.list_post(search: "moon", select: "title").items.map(&:title), ["What the moon weighs"]

query = Newsroom::QueryPostRequest.new(filter: "words > $least", params: { "least" => 1000 }, select: "title,words,tags{name}")
moon = posts.query_post(query).items.first
check [moon.words, moon.tags.map(&:name)], [1850, ["moon", "long read"]]

groups = posts.aggregate_query_post(Newsroom::AggregateQueryPostRequest.new(group: "state", select: "count,sum(words)"))
check groups.items, [{ state: "PUBLISHED", count: 4, sumWords: 3820 }]

moon = posts.get_by_post(slug: "what-the-moon-weighs")
check refused { posts.get_by_post(slug: "no-such-post") }, [404, "/problems/not-found"]

sign_in = Newsroom::SignInRequest.new(email: "ben@example.org", password: "staple paper scissors")
session = Newsroom::AccountsApi.new(anyone).sign_in(sign_in)
ben = client(url, Newsroom::Configuration.new { |own| own.access_token = session.token })
check Newsroom::AccountsApi.new(ben).me[:roles], ["WRITER"]

comments = Newsroom::CommentApi.new(ben)
comment = comments.create_comment(Newsroom::CommentCreate.new(body: "About a metre.", post: moon.id))
check [comment.body, comment.version], ["About a metre.", 1]
change, tag = Newsroom::CommentPatch.new(body: "About two."), "\"#{comment.version}.x\""
changed = comments.update_comment(comment.id, change, if_match: tag)
check [changed.body, changed.version], ["About two.", 2]
check refused { comments.update_comment(comment.id, change, if_match: tag) }.first, 412
check comments.delete_comment_with_http_info(comment.id)[1], 204

own = Newsroom::PostApi.new(ben)
post = Newsroom::PostReplace.new(slug: "herons", title: "Herons", body: "Who owns a river?", section: { slug: "science" })
check own.replace_by_post_with_http_info(post, slug: "herons")[1], 201
post.title = "Herons in court"
check own.replace_by_post(post, slug: "herons").title, "Herons in court"
