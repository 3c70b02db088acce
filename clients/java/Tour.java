// The newsroom's tour through the client that OpenAPI Generator made of its document: `java Tour URL`.

import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Collectors;
import newsroom.ApiClient;
import newsroom.ApiException;
import newsroom.api.AccountsApi;
import newsroom.api.CommentApi;
import newsroom.api.PostApi;
import newsroom.api.TransactionsApi;
import newsroom.model.AggregateQueryPostRequest;
import newsroom.model.Comment;
import newsroom.model.CommentCreate;
import newsroom.model.CommentCreatePost;
import newsroom.model.CommentPatch;
import newsroom.model.CreateCommentRequest;
import newsroom.model.ListCommentCountParameter;
import newsroom.model.Post;
import newsroom.model.PostReplace;
import newsroom.model.MembershipCreateSection;
import newsroom.model.MembershipCreateSectionAnyOf;
import newsroom.model.QueryPostRequest;
import newsroom.model.SignInRequest;
import newsroom.model.TransactRequest;

public class Tour {
  static void check(Object found, Object expected) {
    if (!Objects.equals(found, expected)) {
      throw new AssertionError("expected " + expected + "\nfound    " + found);
    }
  }

  static List<String> titles(List<Post> posts) {
    return posts.stream().map(Post::getTitle).collect(Collectors.toList());
  }

  interface Call {
    void run() throws ApiException;
  }

  static int refused(Call call) {
    try {
      call.run();
    } catch (ApiException refusal) {
      return refusal.getCode();
    }
    throw new AssertionError("expected a refusal");
  }

  public static void main(String[] arguments) throws Exception {
    ApiClient anyone = new ApiClient();
    anyone.setBasePath(arguments[0]);
    PostApi posts = new PostApi(anyone);

    var page = posts.listPost().select("title").sort("-publishedAt").limit(2).execute();
    check(titles(page.getItems()), List.of("A night at the small theatre", "The budget in one chart"));
    var counted = posts.queryPost(new QueryPostRequest().limit(1).count(new ListCommentCountParameter(true))).execute();
    check(counted.getCount().getValue(), 4);

    check(titles(posts.listPost().search("moon").select("title").execute().getItems()), List.of("What the moon weighs"));

    var query = new QueryPostRequest().filter("words > $least").params(Map.of("least", 1000)).select("title,words,tags{name}");
    Post long_ = posts.queryPost(query).execute().getItems().get(0);
    check(long_.getWords(), 1850L);

    var groups = posts.aggregateQueryPost(new AggregateQueryPostRequest().group("state").select("count,sum(words)")).execute();
    check(groups.getItems().size(), 1);

    Post moon = posts.getByPost().slug("what-the-moon-weighs").execute();
    check(refused(() -> posts.getByPost().slug("no-such-post").execute()), 404);

    var session = new AccountsApi(anyone).signIn(new SignInRequest().email("ben@example.org").password("staple paper scissors")).execute();
    ApiClient ben = new ApiClient();
    ben.setBasePath(arguments[0]);
    ben.setBearerToken(session.getToken());

    CommentApi comments = new CommentApi(ben);
    var create = new CommentCreate().body("About a metre.").post(new CommentCreatePost(moon.getId()));
    Comment comment = comments.createComment(new CreateCommentRequest(create)).execute().getComment();
    check(comment.getBody(), "About a metre.");
    var change = new CommentPatch().body("About two.");
    String tag = "\"" + comment.getVersion() + ".x\"";
    Comment changed = comments.updateComment(comment.getId(), change).ifMatch(tag).execute();
    check(List.of(changed.getBody(), changed.getVersion()), List.of("About two.", 2L));
    check(refused(() -> comments.updateComment(comment.getId(), change).ifMatch(tag).execute()), 412);
    comments.deleteComment(comment.getId()).execute();

    PostApi own = new PostApi(ben);
    var herons = new PostReplace().slug("herons").title("Herons").body("Who owns a river?").section(new MembershipCreateSection(new MembershipCreateSectionAnyOf().slug("science")));
    check(own.replaceByPost(herons).slug("herons").execute().getTitle(), "Herons");
    check(own.replaceByPost(herons.title("Herons in court")).slug("herons").execute().getTitle(), "Herons in court");
  }
}
