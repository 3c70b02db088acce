/** A client of Newsroom. `backstay client typescript` makes it; don't change it by hand. */

/** What readers say about a post, and to each other. */
export interface Comment {
  answers: string | null;
  author: string;
  body: string;
  createdAt: string;
  hidden: boolean;
  id: string;
  post: string;
  updatedAt: string;
  version: number;
}

export interface CommentCreate {
  answered?: CommentCreateByAnswers[];
  answers?: string | null;
  body: string;
  hidden?: boolean;
  post: string | {
    slug: string;
  } | {
    wireId: string;
  };
}

export interface CommentCreateByAnswers {
  answered?: CommentCreateByAnswers[];
  body: string;
  hidden?: boolean;
  post: string | {
    slug: string;
  } | {
    wireId: string;
  };
}

export interface CommentCreateByPost {
  answered?: CommentCreateByAnswers[];
  answers?: string | null;
  body: string;
  hidden?: boolean;
}

export interface CommentPatch {
  answered?: (CommentPatchByAnswers | CommentCreateByAnswers)[] | {
    $add?: CommentCreateByAnswers[];
    $change?: CommentPatchByAnswers[];
    $remove?: string[];
  } | {
    $set?: (CommentPatchByAnswers | CommentCreateByAnswers)[];
  };
  body?: string;
  hidden?: boolean;
}

export interface CommentPatchByAnswers {
  answered?: (CommentPatchByAnswers | CommentCreateByAnswers)[] | {
    $add?: CommentCreateByAnswers[];
    $change?: CommentPatchByAnswers[];
    $remove?: string[];
  } | {
    $set?: (CommentPatchByAnswers | CommentCreateByAnswers)[];
  };
  body?: string;
  hidden?: boolean;
  id: string;
}

export interface CommentPatchByPost {
  answered?: (CommentPatchByAnswers | CommentCreateByAnswers)[] | {
    $add?: CommentCreateByAnswers[];
    $change?: CommentPatchByAnswers[];
    $remove?: string[];
  } | {
    $set?: (CommentPatchByAnswers | CommentCreateByAnswers)[];
  };
  body?: string;
  hidden?: boolean;
  id: string;
}

export interface CommentReplace {
  answered?: (CommentPatchByAnswers | CommentCreateByAnswers)[];
  answers?: string | null;
  body: string;
  hidden?: boolean;
  post?: string | {
    slug: string;
  } | {
    wireId: string;
  };
}

/** What a news agency sends. Its program has a key whose claim says which agency it is. */
export interface Dispatch {
  agency: string;
  body: string;
  createdAt: string;
  headline: string;
  id: string;
  received: string;
  updatedAt: string;
  version: number;
}

export interface DispatchCreate {
  agency: string;
  body: string;
  headline: string;
}

export interface DispatchReplace {
  agency?: string;
  body?: string;
  headline?: string;
}

export type Duty = "LEAD" | "WRITES";

/** That a person works for a section, and as what. */
export interface Membership {
  createdAt: string;
  duty: Duty;
  id: string;
  section: string;
  since: string | null;
  updatedAt: string;
  user: string;
  version: number;
}

export interface MembershipCreate {
  duty?: Duty;
  section: string | {
    slug: string;
  };
  since?: string | null;
  user: string | {
    email: string;
  };
}

export interface MembershipCreateBySection {
  duty?: Duty;
  since?: string | null;
  user: string | {
    email: string;
  };
}

export interface MembershipCreateByUser {
  duty?: Duty;
  section: string | {
    slug: string;
  };
  since?: string | null;
}

export interface MembershipPatch {
  duty?: Duty;
  since?: string | null;
}

export interface MembershipPatchBySection {
  duty?: Duty;
  id: string;
  since?: string | null;
}

export interface MembershipPatchByUser {
  duty?: Duty;
  id: string;
  since?: string | null;
}

export interface MembershipReplace {
  duty?: Duty;
  section?: string | {
    slug: string;
  };
  since?: string | null;
  user?: string | {
    email: string;
  };
}

/** What is written, and in the end printed. */
export interface Post {
  author: string;
  body: string;
  createdAt: string;
  /** Who touched it last. */
  editedBy: string | null;
  /** What the author is paid. */
  fee?: {
    amount: string;
    currency: string;
  } | null;
  id: string;
  /** How it stands on the page; for the layout program alone. */
  layout: unknown;
  pinned: boolean;
  publishedAt: string | null;
  /** Flesch reading ease, from 0 (hard) to 100 (easy). */
  readability: number | null;
  /** Why it was withdrawn. */
  retraction: string | null;
  /** The day of the printed paper it is meant for. */
  runsOn: string | null;
  section: string;
  slug: string;
  /** Where it can be looked up. */
  sources: string[] | null;
  state: PostState;
  title: string;
  updatedAt: string;
  version: number;
  /** Its id with the news agency. */
  wireId: string | null;
  words: number | null;
}

export interface PostCreate {
  body: string;
  comments?: CommentCreateByPost[];
  /** What the author is paid. */
  fee?: {
    amount: string | number;
    currency: string;
  } | null;
  /** How it stands on the page; for the layout program alone. */
  layout?: unknown;
  pinned?: boolean;
  /** Flesch reading ease, from 0 (hard) to 100 (easy). */
  readability?: number | null;
  related?: (string | {
    slug: string;
  } | {
    wireId: string;
  })[];
  /** Why it was withdrawn. */
  retraction?: string | null;
  /** The day of the printed paper it is meant for. */
  runsOn?: string | null;
  section: string | {
    slug: string;
  };
  slug: string;
  /** Where it can be looked up. */
  sources?: string[] | null;
  state?: PostState;
  tags?: (string | {
    name: string;
  })[];
  title: string;
  /** Its id with the news agency. */
  wireId?: string | null;
  words?: number | null;
}

export interface PostCreateByAuthor {
  body: string;
  comments?: CommentCreateByPost[];
  /** What the author is paid. */
  fee?: {
    amount: string | number;
    currency: string;
  } | null;
  /** How it stands on the page; for the layout program alone. */
  layout?: unknown;
  pinned?: boolean;
  /** Flesch reading ease, from 0 (hard) to 100 (easy). */
  readability?: number | null;
  related?: (string | {
    slug: string;
  } | {
    wireId: string;
  })[];
  /** Why it was withdrawn. */
  retraction?: string | null;
  /** The day of the printed paper it is meant for. */
  runsOn?: string | null;
  section: string | {
    slug: string;
  };
  slug: string;
  /** Where it can be looked up. */
  sources?: string[] | null;
  state?: PostState;
  tags?: (string | {
    name: string;
  })[];
  title: string;
  /** Its id with the news agency. */
  wireId?: string | null;
  words?: number | null;
}

export interface PostCreateBySection {
  body: string;
  comments?: CommentCreateByPost[];
  /** What the author is paid. */
  fee?: {
    amount: string | number;
    currency: string;
  } | null;
  /** How it stands on the page; for the layout program alone. */
  layout?: unknown;
  pinned?: boolean;
  /** Flesch reading ease, from 0 (hard) to 100 (easy). */
  readability?: number | null;
  related?: (string | {
    slug: string;
  } | {
    wireId: string;
  })[];
  /** Why it was withdrawn. */
  retraction?: string | null;
  /** The day of the printed paper it is meant for. */
  runsOn?: string | null;
  slug: string;
  /** Where it can be looked up. */
  sources?: string[] | null;
  state?: PostState;
  tags?: (string | {
    name: string;
  })[];
  title: string;
  /** Its id with the news agency. */
  wireId?: string | null;
  words?: number | null;
}

export interface PostPatch {
  body?: string;
  comments?: (CommentPatchByPost | CommentCreateByPost)[] | {
    $add?: CommentCreateByPost[];
    $change?: CommentPatchByPost[];
    $remove?: string[];
  } | {
    $set?: (CommentPatchByPost | CommentCreateByPost)[];
  };
  /** What the author is paid. */
  fee?: {
    amount: string | number;
    currency: string;
  } | null | {
    $inc?: {
      amount: string | number;
      currency: string;
    };
    $mul?: string | number;
  };
  /** How it stands on the page; for the layout program alone. */
  layout?: unknown;
  pinned?: boolean;
  /** Flesch reading ease, from 0 (hard) to 100 (easy). */
  readability?: number | null | {
    $inc?: number;
    $mul?: number;
  };
  related?: (string | {
    slug: string;
  } | {
    wireId: string;
  })[] | {
    $add?: (string | {
      slug: string;
    } | {
      wireId: string;
    })[];
    $remove?: (string | {
      slug: string;
    } | {
      wireId: string;
    })[];
  } | {
    $set?: (string | {
      slug: string;
    } | {
      wireId: string;
    })[];
  };
  /** Why it was withdrawn. */
  retraction?: string | null;
  /** The day of the printed paper it is meant for. */
  runsOn?: string | null;
  section?: string | {
    slug: string;
  };
  /** Where it can be looked up. */
  sources?: string[] | null | {
    $append?: string[];
    $remove?: string[];
  };
  state?: PostState;
  tags?: (string | {
    name: string;
  })[] | {
    $add?: (string | {
      name: string;
    })[];
    $remove?: (string | {
      name: string;
    })[];
  } | {
    $set?: (string | {
      name: string;
    })[];
  };
  title?: string;
  /** Its id with the news agency. */
  wireId?: string | null;
  words?: number | null | {
    $inc?: number;
    $mul?: number;
  };
}

export interface PostPatchByAuthor {
  body?: string;
  comments?: (CommentPatchByPost | CommentCreateByPost)[] | {
    $add?: CommentCreateByPost[];
    $change?: CommentPatchByPost[];
    $remove?: string[];
  } | {
    $set?: (CommentPatchByPost | CommentCreateByPost)[];
  };
  /** What the author is paid. */
  fee?: {
    amount: string | number;
    currency: string;
  } | null | {
    $inc?: {
      amount: string | number;
      currency: string;
    };
    $mul?: string | number;
  };
  id: string;
  /** How it stands on the page; for the layout program alone. */
  layout?: unknown;
  pinned?: boolean;
  /** Flesch reading ease, from 0 (hard) to 100 (easy). */
  readability?: number | null | {
    $inc?: number;
    $mul?: number;
  };
  related?: (string | {
    slug: string;
  } | {
    wireId: string;
  })[] | {
    $add?: (string | {
      slug: string;
    } | {
      wireId: string;
    })[];
    $remove?: (string | {
      slug: string;
    } | {
      wireId: string;
    })[];
  } | {
    $set?: (string | {
      slug: string;
    } | {
      wireId: string;
    })[];
  };
  /** Why it was withdrawn. */
  retraction?: string | null;
  /** The day of the printed paper it is meant for. */
  runsOn?: string | null;
  section?: string | {
    slug: string;
  };
  /** Where it can be looked up. */
  sources?: string[] | null | {
    $append?: string[];
    $remove?: string[];
  };
  state?: PostState;
  tags?: (string | {
    name: string;
  })[] | {
    $add?: (string | {
      name: string;
    })[];
    $remove?: (string | {
      name: string;
    })[];
  } | {
    $set?: (string | {
      name: string;
    })[];
  };
  title?: string;
  /** Its id with the news agency. */
  wireId?: string | null;
  words?: number | null | {
    $inc?: number;
    $mul?: number;
  };
}

export interface PostPatchBySection {
  body?: string;
  comments?: (CommentPatchByPost | CommentCreateByPost)[] | {
    $add?: CommentCreateByPost[];
    $change?: CommentPatchByPost[];
    $remove?: string[];
  } | {
    $set?: (CommentPatchByPost | CommentCreateByPost)[];
  };
  /** What the author is paid. */
  fee?: {
    amount: string | number;
    currency: string;
  } | null | {
    $inc?: {
      amount: string | number;
      currency: string;
    };
    $mul?: string | number;
  };
  id: string;
  /** How it stands on the page; for the layout program alone. */
  layout?: unknown;
  pinned?: boolean;
  /** Flesch reading ease, from 0 (hard) to 100 (easy). */
  readability?: number | null | {
    $inc?: number;
    $mul?: number;
  };
  related?: (string | {
    slug: string;
  } | {
    wireId: string;
  })[] | {
    $add?: (string | {
      slug: string;
    } | {
      wireId: string;
    })[];
    $remove?: (string | {
      slug: string;
    } | {
      wireId: string;
    })[];
  } | {
    $set?: (string | {
      slug: string;
    } | {
      wireId: string;
    })[];
  };
  /** Why it was withdrawn. */
  retraction?: string | null;
  /** The day of the printed paper it is meant for. */
  runsOn?: string | null;
  /** Where it can be looked up. */
  sources?: string[] | null | {
    $append?: string[];
    $remove?: string[];
  };
  state?: PostState;
  tags?: (string | {
    name: string;
  })[] | {
    $add?: (string | {
      name: string;
    })[];
    $remove?: (string | {
      name: string;
    })[];
  } | {
    $set?: (string | {
      name: string;
    })[];
  };
  title?: string;
  /** Its id with the news agency. */
  wireId?: string | null;
  words?: number | null | {
    $inc?: number;
    $mul?: number;
  };
}

export interface PostReplace {
  body: string;
  comments?: (CommentPatchByPost | CommentCreateByPost)[];
  /** What the author is paid. */
  fee?: {
    amount: string | number;
    currency: string;
  } | null;
  /** How it stands on the page; for the layout program alone. */
  layout?: unknown;
  pinned?: boolean;
  /** Flesch reading ease, from 0 (hard) to 100 (easy). */
  readability?: number | null;
  related?: (string | {
    slug: string;
  } | {
    wireId: string;
  })[];
  /** Why it was withdrawn. */
  retraction?: string | null;
  /** The day of the printed paper it is meant for. */
  runsOn?: string | null;
  section: string | {
    slug: string;
  };
  slug?: string;
  /** Where it can be looked up. */
  sources?: string[] | null;
  state?: PostState;
  tags?: (string | {
    name: string;
  })[];
  title: string;
  /** Its id with the news agency. */
  wireId?: string | null;
  words?: number | null;
}

export type PostState = "DRAFT" | "REVIEW" | "PUBLISHED" | "RETRACTED";

/** What an operator can make of an account; everyone else is a reader. */
export type Role = "EDITOR" | "WRITER";

/** A part of the paper, such as Politics; sections lie within sections. */
export interface Section {
  createdAt: string;
  id: string;
  name: string;
  parent: string | null;
  /** What a word is paid. */
  perWord?: string | null;
  slug: string;
  updatedAt: string;
  version: number;
}

export interface SectionCreate {
  members?: MembershipCreateBySection[];
  name: string;
  parent?: string | null | {
    slug: string;
  };
  parts?: SectionCreateByParent[];
  /** What a word is paid. */
  perWord?: string | number | null;
  posts?: PostCreateBySection[];
  slug: string;
}

export interface SectionCreateByParent {
  members?: MembershipCreateBySection[];
  name: string;
  parts?: SectionCreateByParent[];
  /** What a word is paid. */
  perWord?: string | number | null;
  posts?: PostCreateBySection[];
  slug: string;
}

export interface SectionPatch {
  members?: (MembershipPatchBySection | MembershipCreateBySection)[] | {
    $add?: MembershipCreateBySection[];
    $change?: MembershipPatchBySection[];
    $remove?: string[];
  } | {
    $set?: (MembershipPatchBySection | MembershipCreateBySection)[];
  };
  name?: string;
  parent?: string | null | {
    slug: string;
  };
  parts?: (SectionPatchByParent | SectionCreateByParent)[] | {
    $add?: SectionCreateByParent[];
    $change?: SectionPatchByParent[];
    $remove?: string[];
  } | {
    $set?: (SectionPatchByParent | SectionCreateByParent)[];
  };
  /** What a word is paid. */
  perWord?: string | number | null | {
    $inc?: string | number;
    $mul?: string | number;
  };
  posts?: (PostPatchBySection | PostCreateBySection)[] | {
    $add?: PostCreateBySection[];
    $change?: PostPatchBySection[];
    $remove?: string[];
  } | {
    $set?: (PostPatchBySection | PostCreateBySection)[];
  };
}

export interface SectionPatchByParent {
  id: string;
  members?: (MembershipPatchBySection | MembershipCreateBySection)[] | {
    $add?: MembershipCreateBySection[];
    $change?: MembershipPatchBySection[];
    $remove?: string[];
  } | {
    $set?: (MembershipPatchBySection | MembershipCreateBySection)[];
  };
  name?: string;
  parts?: (SectionPatchByParent | SectionCreateByParent)[] | {
    $add?: SectionCreateByParent[];
    $change?: SectionPatchByParent[];
    $remove?: string[];
  } | {
    $set?: (SectionPatchByParent | SectionCreateByParent)[];
  };
  /** What a word is paid. */
  perWord?: string | number | null | {
    $inc?: string | number;
    $mul?: string | number;
  };
  posts?: (PostPatchBySection | PostCreateBySection)[] | {
    $add?: PostCreateBySection[];
    $change?: PostPatchBySection[];
    $remove?: string[];
  } | {
    $set?: (PostPatchBySection | PostCreateBySection)[];
  };
}

export interface SectionReplace {
  members?: (MembershipPatchBySection | MembershipCreateBySection)[];
  name: string;
  parent?: string | null | {
    slug: string;
  };
  parts?: (SectionPatchByParent | SectionCreateByParent)[];
  /** What a word is paid. */
  perWord?: string | number | null;
  posts?: (PostPatchBySection | PostCreateBySection)[];
  slug?: string;
}

export interface Tag {
  createdAt: string;
  id: string;
  name: string;
  updatedAt: string;
  version: number;
}

export interface TagCreate {
  name: string;
}

export interface TagReplace {
  name?: string;
}

/** A person who can sign in. */
export interface User {
  born?: string | null;
  createdAt: string;
  /** Where they sign in and are reached; nobody's business but theirs and the editors'. */
  email?: string | null;
  id: string;
  name: string;
  updatedAt: string;
  version: number;
  website: string | null;
}

export interface UserPatch {
  born?: string | null;
  /** Where they sign in and are reached; nobody's business but theirs and the editors'. */
  email?: string;
  following?: (string | {
    slug: string;
  })[] | {
    $add?: (string | {
      slug: string;
    })[];
    $remove?: (string | {
      slug: string;
    })[];
  } | {
    $set?: (string | {
      slug: string;
    })[];
  };
  memberships?: (MembershipPatchByUser | MembershipCreateByUser)[] | {
    $add?: MembershipCreateByUser[];
    $change?: MembershipPatchByUser[];
    $remove?: string[];
  } | {
    $set?: (MembershipPatchByUser | MembershipCreateByUser)[];
  };
  name?: string;
  posts?: (PostPatchByAuthor | PostCreateByAuthor)[] | {
    $add?: PostCreateByAuthor[];
    $change?: PostPatchByAuthor[];
    $remove?: string[];
  } | {
    $set?: (PostPatchByAuthor | PostCreateByAuthor)[];
  };
  website?: string | null;
}

export interface UserReplace {
  born?: string | null;
  /** Where they sign in and are reached; nobody's business but theirs and the editors'. */
  email?: string;
  following?: (string | {
    slug: string;
  })[];
  memberships?: (MembershipPatchByUser | MembershipCreateByUser)[];
  name: string;
  posts?: (PostPatchByAuthor | PostCreateByAuthor)[];
  website?: string | null;
}

/** The types of the model. */
export interface Types {
  Comment: {
    record: Comment;
    relations: { answered: ToMany<"Comment">; answers: ToOneOrNone<"Comment">; author: ToOne<"User">; post: ToOne<"Post">; };
    create: CommentCreate;
    patch: CommentPatch;
    replace: CommentReplace;
    key: never;
    onConflict: never;
    where: "id" | "createdAt" | "updatedAt" | "version" | "post" | "author" | "body" | "hidden" | "answers";
    floats: never;
    search: never;
    highlight: never;
    hidden: true;
  };
  Dispatch: {
    record: Dispatch;
    relations: {};
    create: DispatchCreate;
    patch: never;
    replace: DispatchReplace;
    key: never;
    onConflict: never;
    where: "id" | "createdAt" | "updatedAt" | "version" | "agency" | "headline" | "body" | "received";
    floats: never;
    search: never;
    highlight: never;
    hidden: true;
  };
  Membership: {
    record: Membership;
    relations: { section: ToOne<"Section">; user: ToOne<"User">; };
    create: MembershipCreate;
    patch: MembershipPatch;
    replace: MembershipReplace;
    key: { section: NonNullable<Membership["section"]>; user: NonNullable<Membership["user"]> };
    onConflict: "section,user";
    where: "id" | "createdAt" | "updatedAt" | "version" | "section" | "user" | "duty" | "since";
    floats: never;
    search: never;
    highlight: never;
    hidden: false;
  };
  Post: {
    record: Post;
    relations: { author: ToOne<"User">; comments: ToMany<"Comment">; editedBy: ToOneOrNone<"User">; related: ToMany<"Post">; section: ToOne<"Section">; tags: ToMany<"Tag">; };
    create: PostCreate;
    patch: PostPatch;
    replace: PostReplace;
    key: { slug: NonNullable<Post["slug"]> } | { wireId: NonNullable<Post["wireId"]> };
    onConflict: "slug" | "wireId";
    where: "id" | "createdAt" | "updatedAt" | "version" | "slug" | "title" | "body" | "state" | "section" | "author" | "editedBy" | "publishedAt" | "runsOn" | "words" | "readability" | "pinned" | "wireId" | "retraction";
    floats: "readability";
    search: string;
    highlight: "body" | "title";
    hidden: true;
  };
  Section: {
    record: Section;
    relations: { followers: ToMany<"User">; members: ToMany<"Membership">; parent: ToOneOrNone<"Section">; parts: ToMany<"Section">; posts: ToMany<"Post">; };
    create: SectionCreate;
    patch: SectionPatch;
    replace: SectionReplace;
    key: { slug: NonNullable<Section["slug"]> };
    onConflict: "slug";
    where: "id" | "createdAt" | "updatedAt" | "version" | "slug" | "name" | "perWord" | "parent";
    floats: never;
    search: never;
    highlight: never;
    hidden: false;
  };
  Tag: {
    record: Tag;
    relations: { posts: ToMany<"Post">; };
    create: TagCreate;
    patch: never;
    replace: TagReplace;
    key: { name: NonNullable<Tag["name"]> };
    onConflict: "name";
    where: "id" | "createdAt" | "updatedAt" | "version" | "name";
    floats: never;
    search: never;
    highlight: never;
    hidden: false;
  };
  User: {
    record: User;
    relations: { following: ToMany<"Section">; memberships: ToMany<"Membership">; posts: ToMany<"Post">; };
    create: never;
    patch: UserPatch;
    replace: UserReplace;
    key: { email: NonNullable<User["email"]> };
    onConflict: never;
    where: "id" | "createdAt" | "updatedAt" | "version" | "email" | "name" | "website" | "born";
    floats: never;
    search: never;
    highlight: never;
    hidden: false;
  };
}

/** The record of an account. */
export type SignedInAccount = User;
/** What a sign-up takes. */
export type SignUp = {
  born?: string | null;
  /** Where they sign in and are reached; nobody's business but theirs and the editors'. */
  email: string;
  /** If only invited people may sign up. */
  invitation?: string;
  name: string;
  password: string;
  website?: string | null;
};

/** A client of the application. */
export interface BackstayClient extends BackstayBase {
  readonly comments: Lists<"Comment", "now"> & Pages<"Comment"> & Exports<"Comment"> & Gets<"Comment", "now"> & Finds<"Comment"> & Aggregates<"Comment", "now"> & Creates<"Comment", "now"> & Updates<"Comment", "now"> & Replaces<"Comment", "now"> & Deletes<"Comment", "now"> & UpdatesAll<"Comment", "now"> & DeletesAll<"Comment", "now"> & Follows<"Comment">;
  readonly dispatches: Lists<"Dispatch", "now"> & Pages<"Dispatch"> & Exports<"Dispatch"> & Gets<"Dispatch", "now"> & Finds<"Dispatch"> & Aggregates<"Dispatch", "now"> & Creates<"Dispatch", "now"> & Deletes<"Dispatch", "now"> & DeletesAll<"Dispatch", "now"> & Follows<"Dispatch">;
  readonly members: Lists<"Membership", "now"> & Pages<"Membership"> & Exports<"Membership"> & Gets<"Membership", "now"> & Finds<"Membership"> & Aggregates<"Membership", "now"> & Creates<"Membership", "now"> & Updates<"Membership", "now"> & Replaces<"Membership", "now"> & Deletes<"Membership", "now"> & UpdatesAll<"Membership", "now"> & DeletesAll<"Membership", "now"> & Follows<"Membership"> & Upserts<"Membership", "now">;
  readonly posts: Lists<"Post", "now"> & Pages<"Post"> & Exports<"Post"> & Gets<"Post", "now"> & Finds<"Post"> & Aggregates<"Post", "now"> & Creates<"Post", "now"> & Updates<"Post", "now"> & Replaces<"Post", "now"> & Deletes<"Post", "now"> & UpdatesAll<"Post", "now"> & DeletesAll<"Post", "now"> & Follows<"Post"> & Upserts<"Post", "now">;
  readonly sections: Lists<"Section", "now"> & Pages<"Section"> & Exports<"Section"> & Gets<"Section", "now"> & Finds<"Section"> & Aggregates<"Section", "now"> & Creates<"Section", "now"> & Updates<"Section", "now"> & Replaces<"Section", "now"> & Deletes<"Section", "now"> & UpdatesAll<"Section", "now"> & DeletesAll<"Section", "now"> & Follows<"Section"> & Upserts<"Section", "now">;
  readonly tags: Lists<"Tag", "now"> & Pages<"Tag"> & Exports<"Tag"> & Gets<"Tag", "now"> & Finds<"Tag"> & Aggregates<"Tag", "now"> & Creates<"Tag", "now"> & Deletes<"Tag", "now"> & DeletesAll<"Tag", "now"> & Follows<"Tag"> & Upserts<"Tag", "now">;
  readonly users: Lists<"User", "now"> & Pages<"User"> & Exports<"User"> & Gets<"User", "now"> & Finds<"User"> & Aggregates<"User", "now"> & Updates<"User", "now"> & Replaces<"User", "now"> & UpdatesAll<"User", "now"> & Follows<"User">;
  /** Requests for `transact`. */
  readonly later: {
    readonly comments: Lists<"Comment", "later"> & Gets<"Comment", "later"> & Aggregates<"Comment", "later"> & Creates<"Comment", "later"> & Updates<"Comment", "later"> & Replaces<"Comment", "later"> & Deletes<"Comment", "later"> & UpdatesAll<"Comment", "later"> & DeletesAll<"Comment", "later">;
    readonly dispatches: Lists<"Dispatch", "later"> & Gets<"Dispatch", "later"> & Aggregates<"Dispatch", "later"> & Creates<"Dispatch", "later"> & Deletes<"Dispatch", "later"> & DeletesAll<"Dispatch", "later">;
    readonly members: Lists<"Membership", "later"> & Gets<"Membership", "later"> & Aggregates<"Membership", "later"> & Creates<"Membership", "later"> & Updates<"Membership", "later"> & Replaces<"Membership", "later"> & Deletes<"Membership", "later"> & UpdatesAll<"Membership", "later"> & DeletesAll<"Membership", "later"> & Upserts<"Membership", "later">;
    readonly posts: Lists<"Post", "later"> & Gets<"Post", "later"> & Aggregates<"Post", "later"> & Creates<"Post", "later"> & Updates<"Post", "later"> & Replaces<"Post", "later"> & Deletes<"Post", "later"> & UpdatesAll<"Post", "later"> & DeletesAll<"Post", "later"> & Upserts<"Post", "later">;
    readonly sections: Lists<"Section", "later"> & Gets<"Section", "later"> & Aggregates<"Section", "later"> & Creates<"Section", "later"> & Updates<"Section", "later"> & Replaces<"Section", "later"> & Deletes<"Section", "later"> & UpdatesAll<"Section", "later"> & DeletesAll<"Section", "later"> & Upserts<"Section", "later">;
    readonly tags: Lists<"Tag", "later"> & Gets<"Tag", "later"> & Aggregates<"Tag", "later"> & Creates<"Tag", "later"> & Deletes<"Tag", "later"> & DeletesAll<"Tag", "later"> & Upserts<"Tag", "later">;
    readonly users: Lists<"User", "later"> & Gets<"User", "later"> & Aggregates<"User", "later"> & Updates<"User", "later"> & Replaces<"User", "later"> & UpdatesAll<"User", "later">;
  };
}

const API = "/api";
const PATHS: { readonly [name: string]: { path: string; single: boolean } } = {
  comments: { path: "comments", single: false },
  dispatches: { path: "dispatches", single: false },
  members: { path: "members", single: false },
  posts: { path: "posts", single: false },
  sections: { path: "sections", single: false },
  tags: { path: "tags", single: false },
  users: { path: "users", single: false },
};

const ACTIONS: { readonly [name: string]: { path: string; reads: boolean } } = {
};

/** Where the server is, and how to reach it. */
export interface ConnectOptions {
  /** Such as `https://news.example`. */
  url: string;
  /** The token of a session, or a key. Signing in sets it. */
  token?: string;
  /** The token of a secret link. Making one sets it. */
  link?: string;
  /** Headers of every request. */
  headers?: { [name: string]: string };
  /** Used in the place of the global `fetch`. */
  fetch?: (url: string, init: RequestInit) => Promise<Response>;
}

/** One thing that is wrong with a request. */
export interface ProblemPart {
  /** A JSON pointer into the body, or the name of a parameter or header. */
  at: string;
  message: string;
  remedy?: string;
  /** What a hook of the application calls its refusal. */
  reason?: string;
}

/** The server refused a request, or failed (RFC 9457). */
export class Problem extends Error {
  /** Such as `not-found`; it never changes. */
  readonly code: string;
  readonly status: number;
  readonly title: string;
  readonly detail: string;
  readonly remedy: string;
  /** What the application's own code calls its refusal, such as `sold-out`. */
  readonly reason: string | null;
  readonly errors: readonly ProblemPart[];
  readonly requestId: string | null;
  /** Of a transaction: the request that failed, counted from 0. */
  readonly request: number | null;
  /** The version that is stored, if `ifMatch` names another. */
  readonly version: number | null;
  /** After how many seconds another attempt makes sense. */
  readonly retryAfter: number | null;

  constructor(response: Response, body: any) {
    const about = typeof body === "object" && body !== null ? body : {};
    super(about.detail ?? `${response.status} ${response.statusText}`);
    this.name = "Problem";
    this.code = codeOf(about);
    this.status = response.status;
    this.title = about.title ?? response.statusText;
    this.detail = about.detail ?? "";
    this.remedy = about.remedy ?? "";
    this.reason = about.reason ?? null;
    this.errors = about.errors ?? [];
    this.requestId = about.requestId ?? null;
    this.request = about.request ?? null;
    this.version = about.version ?? null;
    const seconds = response.headers.get("Retry-After");
    this.retryAfter = seconds === null ? null : Number(seconds);
  }
}

/** The last part of the type of a problem. */
function codeOf(problem: any): string {
  return String(problem.type ?? "").replace(/^.*\//, "") || "no-problem-document";
}

type When = "now" | "later";
type Returned<M extends When, R> = M extends "now" ? Promise<R> : LaterRequest<R>;

/** In the place of a value: one of the result of an earlier request, such as `w.id` of the one with the name `w`. */
export function ref<T = any>(path: string): T {
  return { $ref: path } as any;
}

/** A session that began. */
export interface SignedIn {
  token: string;
  expiresAt: string;
  account: SignedInAccount;
}

/** A secret link that was made. */
export interface MadeLink {
  id: string;
  token: string;
  expiresAt: string;
}

/** What a request is made of. */
interface SentRequest {
  query?: { [name: string]: unknown };
  body?: unknown;
  headers?: { [name: string]: string };
  withoutLink?: true;
}

class HttpConnection {
  readonly options: ConnectOptions;
  token: string | undefined;
  link: string | undefined;
  /** Of the last write: reads see it on every server. */
  commit: string | undefined;

  constructor(options: ConnectOptions) {
    this.options = options;
    this.token = options.token;
    this.link = options.link;
  }

  async send(method: string, path: string, sent: SentRequest = {}): Promise<any> {
    const text = await (await this.open(method, path, sent)).text();
    return text === "" ? null : parsed(text);
  }

  /** The response, if it isn't a problem. */
  async open(method: string, path: string, { query, body, headers, withoutLink }: SentRequest): Promise<Response> {
    const { url, fetch: send = fetch } = this.options;
    const all: { [name: string]: string } = { Accept: "application/json", ...this.options.headers, ...headers };
    if (this.token !== undefined) all["Authorization"] = `Bearer ${this.token}`;
    if (this.link !== undefined && !withoutLink) all["Backstay-Link"] = this.link;
    if (this.commit !== undefined) all["Backstay-Commit"] = this.commit;
    const init: RequestInit = { method, headers: all };
    if (body !== undefined) {
      all["Content-Type"] = "application/json";
      init.body = JSON.stringify(body);
    }
    const response = await send(url.replace(/\/+$/, "") + path + parameters(query), init);
    this.commit = response.headers.get("Backstay-Commit") ?? this.commit;
    if (!response.ok) {
      const problem = new Problem(response, parsed(await response.text()));
      // The database is another one now.
      if (problem.errors.some(({ at }) => at === "backstay-commit")) this.commit = undefined;
      throw problem;
    }
    return response;
  }
}

function parsed(text: string): any {
  try {
    return JSON.parse(text);
  } catch {
    // Something between client and server may answer.
    return null;
  }
}

/** The lines of a response, as they arrive. */
async function* linesOf(response: Response): AsyncGenerator<string, void, void> {
  if (response.body === null) return;
  const [reader, decoder] = [response.body.getReader(), new TextDecoder()];
  let rest = "";
  try {
    for (let done = false; !done; ) {
      const part = await reader.read();
      done = part.done;
      rest += part.done ? decoder.decode() : decoder.decode(part.value, { stream: true });
      const lines = rest.split("\n");
      rest = done ? "" : lines.pop() ?? "";
      for (const line of lines) if (line !== "") yield line;
    }
  } finally {
    await reader.cancel();
  }
}

function parameters(query: { [name: string]: unknown } = {}): string {
  const pairs = Object.entries(query).filter(([, value]) => value !== undefined);
  const written = pairs.map(([name, value]) => `${encodeURIComponent(name)}=${encodeURIComponent(textOf(value))}`);
  return written.length === 0 ? "" : `?${written.join("&")}`;
}

/** A value as a URL has it. */
function textOf(value: unknown): string {
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}

/** The same in a URL. */
function listParameters(query: any = {}): { [name: string]: unknown } {
  const { params, where, ...rest } = query;
  return { ...where, ...rest, ...valuesOf(params) };
}

function valuesOf(params: FilterParams = {}): { [name: string]: unknown } {
  return Object.fromEntries(Object.entries(params).map(([name, value]) => [`$${name}`, value]));
}

/** What is answered of a record, in a URL. */
function shownParameters({ select, params }: any = {}): { [name: string]: unknown } {
  return { select: selectText(select), ...valuesOf(params) };
}

/** A write as it is sent. */
function written(body: unknown, options?: any): SentRequest {
  return { query: shownParameters(options), body, headers: writeHeaders(options) };
}

function writeHeaders({ ifMatch, ifNoneMatch, idempotencyKey }: ReplaceOptions = {}): { [name: string]: string } {
  const headers: { [name: string]: string } = {};
  if (ifMatch !== undefined) headers["If-Match"] = `"${ifMatch}.x"`;
  if (ifNoneMatch !== undefined) headers["If-None-Match"] = ifNoneMatch;
  if (idempotencyKey !== undefined) headers["Idempotency-Key"] = idempotencyKey;
  return headers;
}

/** What can be asked of a collection; the types say which of it the model allows. */
class CollectionRequests {
  private readonly connection: HttpConnection;
  private readonly path: string;

  constructor(connection: HttpConnection, path: string) {
    this.connection = connection;
    this.path = path;
  }

  list(query?: any): Promise<any> {
    return this.connection.send("POST", `${this.path}:query`, { body: listBody(query) });
  }

  async *pages(query: any = {}): AsyncGenerator<any, void, void> {
    let after = query.after;
    do {
      const page: PageOf<unknown> = await this.list({ ...query, after });
      yield page;
      after = page.next;
    } while (after !== null);
  }

  async *all(query?: any): AsyncGenerator<any, void, void> {
    for await (const page of this.pages(query)) yield* page.items;
  }

  async *export(query?: any): AsyncGenerator<any, void, void> {
    const asked = { ...listParameters(listBody(query)), format: "ndjson" };
    const sent = { query: asked, headers: { Accept: "*/*" } };
    for await (const line of linesOf(await this.connection.open("GET", `${this.path}:export`, sent))) yield JSON.parse(line);
  }

  get(which: any, query: any = {}): Promise<any> {
    return this.about("GET", which, { query: { asOf: query.asOf, ...shownParameters(query) } });
  }

  async find(which: any, query?: any): Promise<any> {
    try {
      return await this.get(which, query);
    } catch (error) {
      if (error instanceof Problem && error.code === "not-found") return null;
      throw error;
    }
  }

  aggregate(query?: any): Promise<any> {
    return this.connection.send("POST", `${this.path}:aggregate`, { body: aggregateBody(query) });
  }

  create(body: any, options?: any): Promise<any> {
    return this.connection.send("POST", this.path, written(body, options));
  }

  createMany(bodies: any, options?: any): Promise<any> {
    return this.create(bodies, options);
  }

  upsert(body: any, { onConflict, ...options }: any): Promise<any> {
    const { query, ...sent } = written(body, options);
    return this.connection.send("POST", this.path, { query: { onConflict, ...query }, ...sent });
  }

  upsertMany(bodies: any, options: any): Promise<any> {
    return this.upsert(bodies, options);
  }

  update(which: any, body: any, options?: any): Promise<any> {
    return this.about("PATCH", which, written(body, options));
  }

  replace(which: any, body: any, options?: any): Promise<any> {
    return this.about("PUT", which, written(body, options));
  }

  delete(which: any, options?: ChangeOptions): Promise<null> {
    return this.about("DELETE", which, { headers: writeHeaders(options) });
  }

  updateAll(query: any, body: any, options?: WriteOptions): Promise<any> {
    return this.connection.send("PATCH", this.path, { query: listParameters(listBody(query)), body, headers: writeHeaders(options) });
  }

  deleteAll(query: any, options?: WriteOptions): Promise<any> {
    return this.connection.send("DELETE", this.path, { query: listParameters(listBody(query)), headers: writeHeaders(options) });
  }

  changes(query?: any): Promise<any> {
    return this.connection.send("GET", `${this.path}:changes`, { query: listParameters(listBody(query)) });
  }

  trash(query?: any): Promise<any> {
    return this.connection.send("GET", `${this.path}:trash`, { query: listParameters(listBody(query)) });
  }

  restore(id: any, body?: any, options?: any): Promise<any> {
    return this.about("POST", id, written(body ?? {}, options), ":restore");
  }

  purge(id: any, options?: ChangeOptions): Promise<any> {
    return this.about("POST", id, { headers: writeHeaders(options) }, ":purge");
  }

  history(id: any, query?: any): Promise<any> {
    return this.about("GET", id, { query }, ":history");
  }

  private about(method: string, which: any, sent: SentRequest, action = ""): Promise<any> {
    if (typeof which !== "object") {
      return this.connection.send(method, `${this.path}/${encodeURIComponent(which)}${action}`, sent);
    }
    return this.connection.send(method, `${this.path}:by`, { ...sent, query: { ...which, ...sent.query } });
  }
}

/** The one record of a type. */
class SingleRequests {
  private readonly connection: HttpConnection;
  private readonly path: string;

  constructor(connection: HttpConnection, path: string) {
    this.connection = connection;
    this.path = path;
  }

  get(query: any = {}): Promise<any> {
    return this.connection.send("GET", this.path, { query: { asOf: query.asOf, ...shownParameters(query) } });
  }

  update(body: any, options?: any): Promise<any> {
    return this.connection.send("PATCH", this.path, written(body, options));
  }

  replace(body: any, options?: any): Promise<any> {
    return this.connection.send("PUT", this.path, written(body, options));
  }
}

/** The answer of a request; a record that the caller may not read is answered by its id alone. */
function shownAnswer({ hides }: LaterRequest<any>, answer: any): any {
  if (!hides || typeof answer !== "object" || answer === null || Array.isArray(answer)) return answer;
  const members = Object.keys(answer).filter((member) => member !== "outcome");
  if (members.length !== 1 || members[0] !== "id") return answer;
  return "outcome" in answer ? { outcome: answer.outcome, record: null } : null;
}

/** Accounts and sessions. */
export class AccountRequests {
  private readonly connection: HttpConnection;

  constructor(connection: HttpConnection) {
    this.connection = connection;
  }

  /** Makes an account, and uses its session from now on. */
  signUp(account: SignUp): Promise<SignedIn> {
    return this.begin("/auth/sign-up", account);
  }

  /** Begins a session, and uses it from now on. */
  signIn(credentials: { email: string; password: string; as?: "account" | "operator" }): Promise<SignedIn> {
    return this.begin("/auth/sign-in", credentials);
  }

  /** Ends the session. */
  async signOut(): Promise<void> {
    await this.connection.send("POST", "/auth/sign-out");
    this.connection.token = undefined;
  }

  /** Ends all sessions of the account. */
  async signOutEverywhere(): Promise<void> {
    await this.connection.send("POST", "/auth/sign-out-everywhere");
    this.connection.token = undefined;
  }

  /** Who is calling. */
  me(): Promise<CurrentCaller> {
    return this.connection.send("GET", "/auth/me");
  }

  changePassword(change: { current: string; password: string }): Promise<SignedIn> {
    return this.begin("/auth/password", change);
  }

  changeEmail(change: { email: string; password: string }): Promise<CurrentCaller> {
    return this.connection.send("POST", "/auth/email", { body: change });
  }

  /** Makes a secret link, and shows it from now on, signed in or not. */
  async makeLink(): Promise<MadeLink> {
    // A link that has expired would be refused.
    const made: MadeLink = await this.connection.send("POST", "/auth/links", { withoutLink: true });
    this.connection.link = made.token;
    return made;
  }

  /** Revokes the link that is shown, or another that the account has made. */
  async revokeLink(link?: { id: string }): Promise<void> {
    await this.connection.send("POST", "/auth/links/revoke", { body: link });
    if (link === undefined) this.connection.link = undefined;
  }

  private async begin(path: string, body: unknown): Promise<SignedIn> {
    const session: SignedIn = await this.connection.send("POST", path, { body });
    this.connection.token = session.token;
    return session;
  }
}

/** A caller. */
export interface CurrentCaller {
  kind: "ACCOUNT" | "OPERATOR" | "SERVICE";
  id: string;
  roles: string[];
  claims: { [name: string]: string };
  expiresAt: string | null;
  verified?: boolean;
  account?: SignedInAccount;
  /** Of a key. */
  name?: string;
  /** What a key is limited to. */
  only?: string[] | null;
}

/** What every client can do. */
export class BackstayBase {
  readonly auth: AccountRequests;
  private readonly connection: HttpConnection;

  constructor(options: ConnectOptions) {
    this.connection = new HttpConnection(options);
    this.auth = new AccountRequests(this.connection);
    const later: { [name: string]: unknown } = {};
    for (const [name, { path, single }] of Object.entries(PATHS)) {
      const kind = single ? SingleRequests : CollectionRequests;
      Object.defineProperty(this, name, { value: new kind(this.connection, `${API}/${path}`), enumerable: true });
      later[name] = new LaterRequests(path);
    }
    Object.defineProperty(this, "later", { value: later, enumerable: true });
    const actions: { [name: string]: unknown } = {};
    for (const [name, { path, reads }] of Object.entries(ACTIONS)) {
      actions[name] = (args: { [name: string]: unknown } = {}, options?: any) => {
        if (!reads) return this.connection.send("POST", path, written(args, options));
        const given = Object.fromEntries(Object.entries(args).filter(([, value]) => value !== null));
        return this.connection.send("GET", path, { query: { ...given, ...shownParameters(options) } });
      };
    }
    if (Object.keys(actions).length > 0) Object.defineProperty(this, "do", { value: actions, enumerable: true });
  }

  /** The token of the session, or the key, if there is one. */
  get token(): string | undefined {
    return this.connection.token;
  }

  /** The token of the secret link that is shown, if there is one. */
  get link(): string | undefined {
    return this.connection.link;
  }

  /** Shows another link from now on, or none: what to do with one that is refused with `invalid-link`. */
  set link(token: string | undefined) {
    this.connection.link = token;
  }

  /** The same database for whoever has this token or key, or for anybody without one. It shows the link that this client
   * shows, unless another one is given, or `null` for none. */
  with(token: string | undefined, { link = this.link }: { link?: string | null } = {}): BackstayClient {
    const { token: _, link: __, ...options } = this.connection.options;
    return connect({ ...options, ...(token === undefined ? {} : { token }), ...(link == null ? {} : { link }) });
  }

  /** Makes several requests in one commit: all of them or none. The answers are in their order. */
  async transact<T extends readonly LaterRequest<any>[]>(
    requests: readonly [...T],
    options?: WriteOptions,
  ): Promise<{ -readonly [I in keyof T]: T[I] extends LaterRequest<infer R> ? R : never }> {
    const { results } = await this.sendAll(requests, {}, options);
    return results.map((answer: any, index: number) => shownAnswer(requests[index]!, answer)) as any;
  }

  /** Makes each of several requests by itself: one that is refused undoes none of the others. */
  async independently<T extends readonly LaterRequest<any>[]>(
    requests: readonly [...T],
    options?: WriteOptions,
  ): Promise<{ -readonly [I in keyof T]: Attempt<T[I] extends LaterRequest<infer R> ? R : never> }> {
    const { results } = await this.sendAll(requests, { mode: "independent" }, options);
    const shown = ({ body = null, ...rest }: any, index: number) =>
      rest.problem === undefined
        ? { ...rest, body: shownAnswer(requests[index]!, body) }
        : { ...rest, problem: { ...rest.problem, code: codeOf(rest.problem) } };
    return results.map(shown) as any;
  }

  private sendAll(all: readonly LaterRequest<any>[], query: { mode?: string }, options?: WriteOptions): Promise<any> {
    const body = { requests: all.map(({ request }) => request) };
    return this.connection.send("POST", "/transact", { query, body, headers: writeHeaders(options) });
  }
}

/** A client of the application. */
export function connect(options: ConnectOptions): BackstayClient {
  return new BackstayBase(options) as BackstayClient;
}

/** A relation to one record. */
export interface ToOne<N extends TypeName> {
  to: N;
  many: false;
  nullable: false;
}
/** A relation to one record or none. */
export interface ToOneOrNone<N extends TypeName> {
  to: N;
  many: false;
  nullable: true;
}
/** A relation to many records. */
export interface ToMany<N extends TypeName> {
  to: N;
  many: true;
}

type TypeName = keyof Types;
type FieldsOf<N extends TypeName> = Types[N]["record"];
type RelationsOf<N extends TypeName> = Types[N]["relations"];
type IdOf<N extends TypeName> = FieldsOf<N>["id"];
type KeyOf<N extends TypeName> = Types[N]["key"];
type AsString<T> = Extract<T, string>;
type Flattened<T> = { [F in keyof T]: T[F] } & unknown;

/** A record by its id or the values of a unique key. */
export type RecordName<N extends TypeName> = IdOf<N> | KeyOf<N>;

/** A field to sort by, descending with `-`: also what a relation leads to (`author.name`), and how many there are
 * (`comments:count`). */
export type SortBy<N extends TypeName> = Descending<
  AsString<keyof FieldsOf<N>> | `${AsString<keyof RelationsOf<N>>}.${string}` | `${AsString<keyof RelationsOf<N>>}:count`
>;
type Descending<F extends string> = F | `-${F}`;

/** Fields that must equal a value. */
export type EqualTo<N extends TypeName> = {
  [F in Types[N]["where"]]?: F extends keyof FieldsOf<N> ? NonNullable<FieldsOf<N>[F]> : string | number | boolean;
};

/** The arguments of a nested list, beside its fields. */
export interface ListArguments<N extends TypeName> {
  $filter?: string;
  /** Words to find, the best matches first. */
  $search?: Types[N]["search"];
  $sort?: SortBy<N> | readonly SortBy<N>[];
  $limit?: number;
  /** The `$cursor` of a record: only those that come after it in the same order. */
  $after?: string;
  /** Adds `$cursor` to each record, its place in the order of the list. */
  $cursor?: true;
  /** Leaves the field out where the caller can't read it in any record, which would be an error. */
  $optional?: true;
  /** How many there are. */
  $count?: true;
  /** The sum of a field. */
  $sum?: string;
  /** The least value of a field. */
  $min?: string;
  /** The greatest value of a field. */
  $max?: string;
}
type ArgumentName = keyof ListArguments<TypeName>;
/** What needs another name in the answer. */
type PlainArgument = Exclude<ArgumentName, "$count" | "$sum" | "$min" | "$max">;

/** What is answered of a record: `{ title: true, author: { name: true } }`; `"*": true` stands for every stored field, and
 * `{ headline: { $of: { title: true } } }` answers a field under another name. */
export type Selection<N extends TypeName> = {
  [F in keyof FieldsOf<N> | keyof RelationsOf<N> | "*"]?: SelectedPart;
} & { [alias: string]: SelectedPart | undefined };
type SelectedPart = true | "optional" | object;

/** A selection without wrong names: where one is, the type is `never`. */
type CheckedSelection<N extends TypeName, S> = {
  [F in keyof S]: S[F] extends { $of: infer R }
    ? { $of: { [P in keyof R]: CheckedPart<N, P, R[P], ArgumentName> } }
    : CheckedPart<N, F, S[F], PlainArgument>;
};
type CheckedPart<N extends TypeName, F, V, A extends ArgumentName> = F extends "*"
  ? true
  : F extends keyof RelationsOf<N>
  ? CheckedRelation<RelationsOf<N>[F], V, A>
  : F extends keyof FieldsOf<N>
  ? true | "optional"
  : never;
type CheckedRelation<R, V, A extends ArgumentName> = V extends object
  ? R extends { to: infer T }
    ? T extends TypeName
      ? Pick<ListArguments<T>, A & keyof V> & CheckedSelection<T, Omit<V, A>>
      : never
    : never
  : true | "optional";

/** A record with what was selected of it. */
export type Answered<N extends TypeName, S> = Flattened<
  ("*" extends keyof S ? FieldsOf<N> : unknown) & {
    [F in keyof S as F extends "*" ? never : IsOptional<N, F, S[F]> extends true ? never : F]: ValueOf<N, F, S[F]>;
  } & {
    [F in keyof S as F extends "*" ? never : IsOptional<N, F, S[F]> extends true ? F : never]?: ValueOf<N, F, S[F]>;
  } & CutOff<N, S>
>;
type IsOptional<N extends TypeName, F, V> = V extends { $of: infer R }
  ? { [P in keyof R]: IsOptional<N, P, R[P]> }[keyof R]
  : V extends string | { $optional: unknown }
  ? true
  : F extends keyof RelationsOf<N>
  ? F extends keyof FieldsOf<N>
    ? V extends object
      ? false
      : IsAbsent<FieldsOf<N>, F>
    : false
  : F extends keyof FieldsOf<N>
  ? IsAbsent<FieldsOf<N>, F>
  : false;
type IsAbsent<T, F extends keyof T> = {} extends Pick<T, F> ? true : false;
/** The names of nested lists that were cut off. */
type CutOff<N extends TypeName, S> = true extends { [F in keyof S]: IsList<N, F, S[F]> }[keyof S]
  ? { $more?: string[] }
  : unknown;
type IsList<N extends TypeName, F, V> = V extends { $of: infer R }
  ? { [P in keyof R]: IsList<N, P, R[P]> }[keyof R]
  : V extends { $count: unknown }
  ? false
  : F extends keyof RelationsOf<N>
  ? RelationsOf<N>[F] extends { many: true }
    ? true
    : false
  : false;
type ValueOf<N extends TypeName, F, V> = V extends { $of: infer R }
  ? { [P in keyof R]: NamedValue<N, P, R[P]> }[keyof R]
  : NamedValue<N, F, V>;
type NamedValue<N extends TypeName, F, V> = F extends keyof RelationsOf<N>
  ? V extends object
    ? NestedValue<N, F, RelationsOf<N>[F], V>
    : PlainValue<N, F>
  : F extends keyof FieldsOf<N>
  ? Exclude<FieldsOf<N>[F], undefined>
  : never;
/** A relation of which nothing is selected: the id, or objects with the ids. */
type PlainValue<N extends TypeName, F> = F extends keyof FieldsOf<N>
  ? Exclude<FieldsOf<N>[F], undefined>
  : F extends keyof RelationsOf<N>
  ? RelationsOf<N>[F] extends { to: infer T }
    ? T extends TypeName
      ? RelationsOf<N>[F] extends { many: true } ? { id: IdOf<T> }[] : IdOf<T> | null
      : never
    : never
  : never;
type NestedValue<N extends TypeName, F, R, V> = V extends { $count: unknown }
  ? number
  : V extends { $sum: unknown } | { $min: unknown } | { $max: unknown }
  ? unknown
  : keyof Omit<V, ArgumentName> extends never
  ? V extends { $cursor: true } ? Placed<V>[] : PlainValue<N, F>
  : R extends { to: infer T }
  ? T extends TypeName
    ? R extends { many: true }
      ? (Answered<T, Omit<V, ArgumentName>> & Placed<V>)[]
      : Answered<T, Omit<V, ArgumentName>> | (R extends { nullable: false } ? NullIfHidden<T> : null)
    : never
  : never;
/** The place of a record in a nested list. */
type Placed<V> = V extends { $cursor: true } ? { $cursor: string } : unknown;
/** What stands for a record that the caller may not read. */
type NullIfHidden<N extends TypeName> = Types[N]["hidden"] extends true ? null : never;

type AllStored = { "*": true };

/** The values of the parameters of filters, `$name` without the `$`. */
export type FilterParams = { [name: string]: unknown };

/** Which records are listed, and what is answered of them. */
export interface ListQuery<N extends TypeName, S, H = []> extends MatchQuery<N> {
  select?: S & CheckedSelection<N, S>;
  sort?: SortBy<N> | readonly SortBy<N>[];
  /** The `next` of the page before. */
  after?: string;
  /** The `prev` of the page after. */
  before?: string;
  skip?: number;
  /** `true` counts up to 10,000, `"exact"` to the end. */
  count?: boolean | "exact";
  /** The list as it was at this moment, if the type has a history. */
  asOf?: string;
  /** Words to find, the best matches first. */
  search?: Types[N]["search"];
  /** Fields in which the words that are found are marked. */
  highlight?: H;
}

/** Which records are exported, and what is answered of them. */
export type ExportQuery<N extends TypeName, S> = Pick<
  ListQuery<N, S>,
  "filter" | "params" | "where" | "select" | "sort" | "search" | "asOf"
>;

/** A record of a list; `$highlight` has the parts of a fragment of each field, of which every second one is found. */
export type Listed<N extends TypeName, S, H extends readonly unknown[]> = H extends readonly []
  ? Answered<N, S>
  : Flattened<Answered<N, S> & { $highlight: { [F in AsString<H[number]>]: string[] | null } }>;

/** A field, what a path leads to (`author.name`), or an expression about a record (`price * quantity`). */
export type Term<N extends TypeName> =
  | AsString<keyof FieldsOf<N>>
  | `${AsString<keyof RelationsOf<N>>}.${string}`
  | (string & {});

/** What the records of a group have in common: a field, a path, or expressions with their names. */
export type GroupBy<N extends TypeName> = Term<N> | { readonly [name: string]: Term<N> };

/** A value of each group: `true` is the number of its records, `{ count: "words > 1000" }` of those for which it is true. */
export type Fold<N extends TypeName> =
  | true
  | { count: string }
  | { countDistinct: Term<N> }
  | { sum: Term<N> }
  | { avg: Term<N> }
  | { min: Term<N> }
  | { max: Term<N> };

/** Which groups are made of which records, and what is answered of each. */
export interface AggregateQuery<N extends TypeName, G extends readonly GroupBy<N>[], S> extends MatchQuery<N> {
  /** Without it, all records are one group. */
  group?: G & CheckedGroup<N, G>;
  /** The values by their names; without it, the number of records as `count`. */
  select?: S & CheckedFolds<N, S>;
  /** A condition on the groups, by the names of their values: `count > 10`. */
  having?: string;
  sort?: SortGroupsBy<N, G, S> | readonly SortGroupsBy<N, G, S>[];
  after?: string;
  before?: string;
  skip?: number;
  asOf?: string;
  /** Groups of the records that have these words. */
  search?: Types[N]["search"];
}

/** A group. */
export type GroupOf<N extends TypeName, G extends readonly unknown[], S> = Flattened<
  { [P in Extract<G[number], string> as JoinedPath<P>]: KeyValue<N, P> } & {
    [K in KeyOfAny<Exclude<G[number], string>>]: KeyValue<N, ValueOfAny<Exclude<G[number], string>, K>>;
  } & { [K in keyof S]: FoldValue<N, S[K]> }
>;
/** One of their values; what is sorted by says nothing about the types of the question. */
type SortGroupsBy<N extends TypeName, G extends readonly unknown[], S> = Fixed<Descending<AsString<keyof GroupOf<N, G, S>>>>;
type Fixed<T> = [T][T extends unknown ? 0 : never];
type KeyOfAny<O> = O extends unknown ? keyof O : never;
type ValueOfAny<O, K> = O extends unknown ? (K extends keyof O ? Exclude<O[K], undefined> : never) : never;
type JoinedPath<P extends string> = P extends `${infer First}.${infer Rest}` ? `${First}${Capitalize<JoinedPath<Rest>>}` : P;

/** The field that a path leads to, and its type; `never` if there is none. */
type EndOf<N extends TypeName, P> = P extends keyof FieldsOf<N>
  ? { of: N; field: P; value: FieldsOf<N>[P] }
  : P extends `${infer First}.${infer Rest}`
  ? First extends keyof RelationsOf<N>
    ? RelationsOf<N>[First] extends { to: infer T; many: false }
      ? T extends TypeName
        ? EndOf<T, Rest>
        : never
      : never
    : First extends keyof FieldsOf<N>
    ? MemberOf<FieldsOf<N>[First], Rest>
    : never
  : never;
type MemberOf<V, P> = P extends keyof NonNullable<V>
  ? { of: never; field: never; value: NonNullable<V>[P] }
  : P extends `${infer First}.${infer Rest}`
  ? First extends keyof NonNullable<V>
    ? MemberOf<NonNullable<V>[First], Rest>
    : never
  : never;
type IsExpression<P> = string extends P
  ? true
  : P extends `${string}${" " | "(" | "'" | '"' | "[" | "+" | "-" | "*" | "/" | "%" | "!" | "=" | "<" | ">" | "?" | "$"}${string}`
  ? true
  : false;
type CheckedTerm<N extends TypeName, P> = [EndOf<N, P>] extends [never] ? (IsExpression<P> extends true ? P : never) : P;
type CheckedGroup<N extends TypeName, G> = { [I in keyof G]: CheckedKey<N, G[I]> };
type CheckedKey<N extends TypeName, K> = K extends string
  ? [EndOf<N, K>] extends [never]
    ? never
    : K
  : { [P in keyof K]: CheckedTerm<N, K[P]> };
type CheckedFolds<N extends TypeName, S> = {
  [K in keyof S]: S[K] extends true | { count: unknown } ? S[K] : { [F in keyof S[K]]: CheckedTerm<N, S[K][F]> };
};
/** The value of a key, which is `null` in the group of the records that have none. */
type KeyValue<N extends TypeName, P> = P extends keyof FieldsOf<N>
  ? Exclude<FieldsOf<N>[P], undefined> | (IsAbsent<FieldsOf<N>, P> extends true ? null : never)
  : TermValue<N, P> | null;
/** The value of a term; unknown of an expression. */
type TermValue<N extends TypeName, P> = [EndOf<N, P>] extends [never]
  ? unknown
  : EndOf<N, P> extends { value: infer V }
  ? NonNullable<V>
  : never;
type FoldValue<N extends TypeName, F> = F extends true | { count: unknown } | { countDistinct: unknown }
  ? number
  : F extends { avg: infer P }
  ? AverageValue<N, P> | null
  : F extends { sum: infer P } | { min: infer P } | { max: infer P }
  ? TermValue<N, P> | null
  : never;
/** An exact average is a string. */
type AverageValue<N extends TypeName, P> = TermValue<N, P> extends number
  ? [EndOf<N, P>] extends [{ of: infer T; field: infer F }]
    ? [T] extends [never]
      ? string | number
      : T extends TypeName
      ? F extends Types[T]["floats"]
        ? number
        : string
      : never
    : never
  : TermValue<N, P>;

/** Which records are meant. */
export interface MatchQuery<N extends TypeName> {
  /** An expression, such as `title.contains($q)`. */
  filter?: string;
  params?: FilterParams;
  where?: EqualTo<N>;
  limit?: number;
}

/** Which records are changed or deleted. */
export interface ChangeQuery<N extends TypeName> extends MatchQuery<N> {
  /** With `limit`: only the first records in this order. */
  sort?: SortBy<N> | readonly SortBy<N>[];
  /** Undoes everything. */
  dryRun?: boolean;
}

/** What is answered of one record. */
export interface GetQuery<N extends TypeName, S> {
  select?: S & CheckedSelection<N, S>;
  params?: FilterParams;
  asOf?: string;
}

/** A page of records. */
export interface PageOf<R> {
  items: R[];
  /** Where the next page starts; `null` on the last one. */
  next: string | null;
  prev?: string | null;
  count?: { value: number; more: boolean };
}

/** What to answer of what has changed. */
export interface ChangesQuery<N extends TypeName, S> {
  /** The `next` of the last answer. */
  since?: string;
  limit?: number;
  select?: S & CheckedSelection<N, S>;
  params?: FilterParams;
}

/** What has changed, as far as the caller sees it. */
export interface ChangesOf<N extends TypeName, R> {
  /** Records as they are now. */
  items: R[];
  /** Records that were moved to the trash. */
  removed: { id: IdOf<N>; version: number }[];
  /** What to ask for next with `since`. */
  next: string;
  /** Whether there is more to ask for at once. */
  more: boolean;
}

/** How a write is made. */
export interface WriteOptions {
  /** Makes repetitions safe: the server carries out one request with this key, and repeats its answer. */
  idempotencyKey?: string;
}
/** What a write answers of the record, as in a `get`. */
export interface Shown<N extends TypeName, S> {
  select?: S & CheckedSelection<N, S>;
  params?: FilterParams;
}
export interface UpsertOptions<N extends TypeName> extends WriteOptions {
  /** The unique key. */
  onConflict: Types[N]["onConflict"];
}
export interface ChangeOptions extends WriteOptions {
  /** The version that the record must have. */
  ifMatch?: number;
}
export interface ReplaceOptions extends ChangeOptions {
  /** Only creates the record. */
  ifNoneMatch?: "*";
}

/** How many records matched, and how many of them were changed. */
export interface MatchCount {
  matched: number;
  changed: number;
  /** Which they are, if the query has `sort`. */
  ids?: (string | number)[];
}

/** What became of a record that is created or changed. */
export interface UpsertOutcome<N extends TypeName, S = AllStored> {
  outcome: "created" | "updated" | "unchanged";
  record: Answered<N, S> | null;
}

/** A change in the history of a record. */
export interface HistoryEntry {
  version: number;
  at: string;
  action: string;
  by: { kind: string; id?: string };
  changes: { [field: string]: { old?: unknown; new: unknown } };
}

/** A request that `transact` makes: what the methods of `db.later` return. */
export interface LaterRequest<R> {
  readonly request: { [member: string]: unknown };
  /** The type of its answer; there is no such member. */
  readonly answers?: R;
  /** Whether an answer with nothing but an id stands for a record that the caller may not read. */
  readonly hides?: boolean;
  /** The same with a name, by which `ref` finds its result in later requests. */
  as(name: string): LaterRequest<R>;
}

/** What became of one of several requests that are each made by themselves. */
export type Attempt<R> =
  | { status: number; body: R; problem?: undefined }
  | { status: number; body?: undefined; problem: ProblemDetails };

/** A problem as the server writes it. */
export interface ProblemDetails {
  type: string;
  /** The last part of `type`. */
  code: string;
  title: string;
  status: number;
  detail: string;
  remedy?: string;
  errors?: ProblemPart[];
}

/** A record that was written; `null` if the caller may not read it. */
type WrittenRecord<N extends TypeName, S> = Answered<N, S> | NullIfHidden<N>;

export interface Lists<N extends TypeName, M extends When> {
  /** One page. */
  list<S extends Selection<N> = AllStored, H extends readonly Types[N]["highlight"][] = []>(
    query?: ListQuery<N, S, H>,
  ): Returned<M, PageOf<Listed<N, S, H>>>;
}
export interface Pages<N extends TypeName> {
  /** All pages, one after the other. */
  pages<S extends Selection<N> = AllStored, H extends readonly Types[N]["highlight"][] = []>(
    query?: ListQuery<N, S, H>,
  ): AsyncGenerator<PageOf<Listed<N, S, H>>, void, void>;
  /** All records; `limit` is that of a page. */
  all<S extends Selection<N> = AllStored, H extends readonly Types[N]["highlight"][] = []>(
    query?: ListQuery<N, S, H>,
  ): AsyncGenerator<Listed<N, S, H>, void, void>;
}
export interface Exports<N extends TypeName> {
  /** All records, as they arrive in one response. */
  export<S extends Selection<N> = AllStored>(query?: ExportQuery<N, S>): AsyncGenerator<Answered<N, S>, void, void>;
}
export interface Gets<N extends TypeName, M extends When> {
  get<S extends Selection<N> = AllStored>(which: RecordName<N>, query?: GetQuery<N, S>): Returned<M, Answered<N, S>>;
}
export interface Finds<N extends TypeName> {
  /** The record, or `null` if there is none that the caller may read. */
  find<S extends Selection<N> = AllStored>(which: RecordName<N>, query?: GetQuery<N, S>): Promise<Answered<N, S> | null>;
}
export interface GetsSingle<N extends TypeName> {
  get<S extends Selection<N> = AllStored>(query?: GetQuery<N, S>): Promise<Answered<N, S>>;
}
export interface Aggregates<N extends TypeName, M extends When> {
  /** Totals, averages and counts of groups of records. */
  aggregate<G extends readonly GroupBy<N>[] = [], S extends { [name: string]: Fold<N> } = { count: true }>(
    query?: AggregateQuery<N, G, S>,
  ): Returned<M, PageOf<GroupOf<N, G, S>>>;
}
export interface Creates<N extends TypeName, M extends When> {
  create<S extends Selection<N> = AllStored>(
    body: Types[N]["create"],
    options?: WriteOptions & Shown<N, S>,
  ): Returned<M, WrittenRecord<N, S>>;
  /** All of them or none. */
  createMany<S extends Selection<N> = AllStored>(
    bodies: readonly Types[N]["create"][],
    options?: WriteOptions & Shown<N, S>,
  ): Returned<M, WrittenRecord<N, S>[]>;
}
export interface Upserts<N extends TypeName, M extends When> {
  /** Creates a record, or changes the one with the same unique key. */
  upsert<S extends Selection<N> = AllStored>(
    body: Types[N]["create"],
    options: UpsertOptions<N> & Shown<N, S>,
  ): Returned<M, UpsertOutcome<N, S>>;
  upsertMany<S extends Selection<N> = AllStored>(
    bodies: readonly Types[N]["create"][],
    options: UpsertOptions<N> & Shown<N, S>,
  ): Returned<M, UpsertOutcome<N, S>[]>;
}
export interface Updates<N extends TypeName, M extends When> {
  /** Applies a merge patch, which can have operators and children. */
  update<S extends Selection<N> = AllStored>(
    which: RecordName<N>,
    patch: Types[N]["patch"],
    options?: ChangeOptions & Shown<N, S>,
  ): Returned<M, WrittenRecord<N, S>>;
}
export interface UpdatesSingle<N extends TypeName> {
  update<S extends Selection<N> = AllStored>(
    patch: Types[N]["patch"],
    options?: ChangeOptions & Shown<N, S>,
  ): Promise<WrittenRecord<N, S>>;
}
export interface ReplacesSingle<N extends TypeName> {
  /** Replaces the record: what is left out returns to its default. */
  replace<S extends Selection<N> = AllStored>(
    body: Types[N]["replace"],
    options?: ReplaceOptions & Shown<N, S>,
  ): Promise<WrittenRecord<N, S>>;
}
export interface Replaces<N extends TypeName, M extends When> {
  /** Creates the record, or replaces it. */
  replace<S extends Selection<N> = AllStored>(
    which: RecordName<N>,
    body: Types[N]["replace"],
    options?: ReplaceOptions & Shown<N, S>,
  ): Returned<M, WrittenRecord<N, S>>;
}
export interface Deletes<N extends TypeName, M extends When> {
  delete(which: RecordName<N>, options?: ChangeOptions): Returned<M, null>;
}
export interface UpdatesAll<N extends TypeName, M extends When> {
  /** Changes every record that matches: all of them or none. */
  updateAll(query: ChangeQuery<N>, patch: Types[N]["patch"], options?: WriteOptions): Returned<M, MatchCount>;
}
export interface DeletesAll<N extends TypeName, M extends When> {
  deleteAll(query: ChangeQuery<N>, options?: WriteOptions): Returned<M, MatchCount>;
}
export interface Follows<N extends TypeName> {
  /** What has changed since the `next` of an earlier answer; without `since`, only a `next` to go on from. */
  changes<S extends Selection<N> = AllStored>(query?: ChangesQuery<N, S>): Promise<ChangesOf<N, Answered<N, S>>>;
}
export interface Trashes<N extends TypeName> {
  trash<S extends Selection<N> = AllStored>(query?: Omit<ListQuery<N, S>, "asOf">): Promise<PageOf<Answered<N, S>>>;
}
export interface Restores<N extends TypeName, M extends When> {
  restore<S extends Selection<N> = AllStored>(
    id: IdOf<N>,
    patch?: Types[N]["patch"],
    options?: ChangeOptions & Shown<N, S>,
  ): Returned<M, WrittenRecord<N, S>>;
}
export interface Purges<N extends TypeName, M extends When> {
  purge(id: IdOf<N>, options?: ChangeOptions): Returned<M, null>;
}
export interface Remembers<N extends TypeName, M extends When> {
  history(id: IdOf<N>, query?: { limit?: number; after?: string }): Returned<M, PageOf<HistoryEntry>>;
}

function sortText(sort: string | readonly string[] | undefined): string | undefined {
  return typeof sort === "object" ? sort.join(",") : sort;
}

/** A selection as the server reads it: `title,author{name}`. */
export function selectText(selection: object | undefined): string | undefined {
  if (selection === undefined) return undefined;
  if (typeof selection !== "object" || selection === null || Array.isArray(selection)) {
    throw new TypeError("a selection is an object: { title: true, author: { name: true } }");
  }
  return Object.entries(selection)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => partText(name, value))
    .join(",");
}

function partText(name: string, value: any): string {
  if (value === true) return name;
  if (value === "optional") return `${name}?`;
  if (value.$of !== undefined) {
    const [called, part] = Object.entries(value.$of)[0] ?? [name, true];
    return called === name ? partText(called, part) : `${name}=${partText(called, part)}`;
  }
  const { $filter, $search, $sort, $limit, $after, $cursor, $optional, $count, $sum, $min, $max, ...fields } = value;
  const text = (word: unknown) => (word === undefined ? undefined : JSON.stringify(word));
  const sort = typeof $sort === "object" ? `[${$sort.join(",")}]` : $sort;
  const all = [["sort", sort], ["limit", $limit], ["search", text($search)], ["after", text($after)], ["filter", $filter]];
  const given = all.filter(([, argument]) => argument !== undefined);
  const list = given.map(([argument, text]) => `${argument}:${text}`).join(",");
  const [called] = [["sum", $sum], ["min", $min], ["max", $max]].filter(([, field]) => field !== undefined);
  const inner = [selectText(fields), $cursor ? "$cursor" : ""].filter((text) => text);
  return [
    name,
    $optional ? "?" : "",
    list === "" ? "" : `(${list})`,
    $count ? ":count" : called ? `:${called[0]}(${called[1]})` : "",
    inner.length === 0 ? "" : `{${inner.join(",")}}`,
  ].join("");
}

/** The body of a list. */
function listBody({ select, sort, highlight, ...rest }: any = {}): { [member: string]: unknown } {
  return { ...rest, select: selectText(select), sort: sortText(sort), highlight: highlight?.join(",") };
}

/** The body of an aggregate. */
function aggregateBody({ group = [], select = { count: true }, sort, ...rest }: any = {}): { [member: string]: unknown } {
  const keys = group.flatMap((key: any) => (typeof key === "string" ? [key] : namedTexts(key)));
  const values = Object.entries(select).flatMap(([name, fold]: [string, any]) =>
    fold === true
      ? [name === "count" ? name : `${name}=count`]
      : Object.entries(fold).map(([called, term]) => `${name}=${called}(${term})`),
  );
  return { ...rest, group: keys.length === 0 ? undefined : keys.join(","), select: values.join(","), sort: sortText(sort) };
}

function namedTexts(key: object): string[] {
  return Object.entries(key).filter(([, term]) => term !== undefined).map(([name, term]) => `${name}=${term}`);
}

/** The requests of a transaction. */
export class LaterRequests {
  private readonly name: string;

  constructor(name: string) {
    this.name = name;
  }

  list(query?: any): LaterRequest<any> {
    return later({ list: this.name, query: listBody(query) });
  }

  aggregate(query?: any): LaterRequest<any> {
    return later({ aggregate: this.name, query: aggregateBody(query) });
  }

  get(which: any, { select, params, asOf }: any = {}): LaterRequest<any> {
    return later({ get: this.name, ...named(which), select: selectText(select), params, asOf });
  }

  create(body: any, options?: any): LaterRequest<any> {
    return writtenLater({ create: this.name, body }, options);
  }

  createMany(body: any, options?: any): LaterRequest<any> {
    return this.create(body, options);
  }

  upsert(body: any, { onConflict, ...options }: any): LaterRequest<any> {
    return writtenLater({ create: this.name, onConflict, body }, options);
  }

  upsertMany(bodies: any, options: any): LaterRequest<any> {
    return this.upsert(bodies, options);
  }

  update(which: any, body: any, options?: any): LaterRequest<any> {
    return writtenLater({ update: this.name, ...named(which), body }, options);
  }

  replace(which: any, body: any, options?: any): LaterRequest<any> {
    return writtenLater({ replace: this.name, ...named(which), body, ifNoneMatch: options?.ifNoneMatch }, options);
  }

  delete(which: any, options?: ChangeOptions): LaterRequest<any> {
    return later({ delete: this.name, ...named(which), ifMatch: options?.ifMatch });
  }

  updateAll(query: any, body: any): LaterRequest<any> {
    return later({ updateAll: this.name, query: listBody(query), body });
  }

  deleteAll(query: any): LaterRequest<any> {
    return later({ deleteAll: this.name, query: listBody(query) });
  }

  restore(id: any, body?: any, options?: any): LaterRequest<any> {
    return writtenLater({ restore: this.name, id, body }, options);
  }

  purge(id: any, options?: ChangeOptions): LaterRequest<any> {
    return later({ purge: this.name, id, ifMatch: options?.ifMatch });
  }

  history(id: any, query?: any): LaterRequest<any> {
    return later({ history: this.name, id, query });
  }
}

function writtenLater(request: object, { select, params, ifMatch }: any = {}): LaterRequest<any> {
  const hides = select === undefined || !("id" in select || "*" in select);
  return later({ ...request, select: selectText(select), params, ifMatch }, hides);
}

function later(request: { [member: string]: unknown }, hides = false): LaterRequest<any> {
  return { request, hides, as: (name) => later({ ...request, as: name }, hides) };
}

function named(which: any): { [member: string]: unknown } {
  return typeof which === "object" ? { by: which } : { id: which };
}
