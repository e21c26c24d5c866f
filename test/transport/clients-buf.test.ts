// The brief cases through `buf curl`, which shares nothing with this program but the contract and starts
// slowly.
import { bufCurl } from "./clients/command-line.ts";
import { describeEveryCase } from "./every-case.ts";

describeEveryCase([
  { title: "buf curl --protocol grpc", isSlow: true, open: (url) => bufCurl(url, "grpc") },
  { title: "buf curl --protocol connect", isSlow: true, open: (url) => bufCurl(url, "connect") },
]);
