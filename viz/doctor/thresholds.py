"""Every number the doctor judges by, and why it is that number.

A threshold sits where healthy networks (see `tests/viz/doctor/test_healthy.py`) keep a distance of about ten times,
or, for shares, where most people would agree that something is wrong.
"""

from __future__ import annotations

# -- when to look

HEAVY_STEPS = 24  # what is wrong from the start shows in the first steps; they are looked at closely
HEAVY_BLOCK = 4  # later, so many steps from every power of two on: what goes wrong on the way shows there
LARGE_GRADIENT = 50_000  # elements: not read in the steps that are watched cheaply, where they are sums of products
WINDOW = 8  # steps that are judged together: one odd batch proves nothing
MAX_PER_KIND = 5  # more findings of a kind help nobody
TRAININGS_OPEN = 4  # trainings that may come back, as those of a GAN do; earlier ones are judged, and let go
# What shows in the first step or two, and needs no end of the training to be sure.
FROM_THE_START = ("loss_mismatch", "label_range", "loss_sign", "broadcast", "softmax_axis", "channels_first")

# -- activations

DEAD_SHARE = 0.7  # of a layer's units; trained networks often have 10 to 30 % units that never fire
DEAD_SURE = 0.8  # a warning from here on, a hint below: half may be silent by their signs alone, and a few die early
DEAD_SHARE_LATE = 0.9  # the same, later: units have become choosy, and fewer steps are looked at
DEAD_UNITS = 8  # with fewer, chance alone may silence most of them: only all of them count
DEAD_CHANCE = 1.5  # where each unit may be dead by chance, half of n are, give or take some times √n
DEAD_LEARNS = 0.97  # of the loss of the epoch in which they were found: below, the others learn without them
DEAD_BIAS = -1  # of units that never were on; biases begin at 0 unless somebody says otherwise
DEAD_ROWS = 64  # a unit that is silent on fewer rows than this may simply not have met its pattern
SATURATED_TANH = 0.99  # the slope there is 1 - 0.99² = 0.02: fifty times less gradient than in the middle
SATURATED_SIGMOID = 0.01  # this near 0 or 1 the slope is 0.01, against 0.25 in the middle
SATURATED_SOFTMAX = 0.99  # one class has all: the others get a hundredth of the gradient
SATURATED_SHARE = 0.5  # of a hidden layer's values, in the first steps; at initialization healthy layers have < 5 %
SATURATED_LATE = 0.9  # of a hidden layer's values, later: units may become switches as they learn
SATURATED_OUTPUT = 0.9  # of the outputs, where they are also wrong:
SATURATED_LOSS = 1.0  # a crossentropy above 1 means less than 37 % for the right class, on average
IN_AN_ORDER = 1.1  # so many times worse does an answer on the last rows that was chosen on others, if rows are sorted
CONSTANT = 1e-6  # spread of the outputs over a batch, against their size: float32 resolves 1e-7
CONSTANT_STEPS = 8  # an output layer that begins with zeros gives constants at first, and learns in a few steps
CONSTANT_STEPS_SHORT = 3  # where training is over before

# -- gradients

VANISHING = 1e-4  # the first layer's gradient against the largest; healthy deep networks keep 1e-3 and more
EXPLODING = 1e4  # norm of all gradients together; healthy ones, with scaled data, stay below 100
EXPLODING_ERROR = 1e7  # nothing can be learned from this
EXPLODING_GROWTH = 1e3  # the norm against that of the first steps
PERCENT_OF_NOTHING = 1e-3  # a target against their root mean square: an error of the others' size is 100,000 % of it
UNREACHED_STEPS = 8  # steps without any gradient; layers that begin with zeros pass one on after the first

OPPOSED = -0.6  # cosine of the gradients that two optimizers have for the same weights; other tasks' are around 0
OPPOSED_ROUNDS = 8  # so many cosines, at least
DECEIVED_ROUNDS = 4  # so many updates that want a discriminator's answers all to go one way, at least
DECEIVED_ONE = 0.95  # of what they want goes that way, or they want one answer for all; in this part of the rounds
ONE_CURVE = 0.1  # of the largest slope: so much less may one of a higher answer be, where labels have noise
DECEIVED_BOTH = 0.1  # of what its own updates want goes the other way, at least

SUMMED = 4  # updates in a row that are given all that was given before, too; or that aren't
SUMMED_ELEMENTS = 256  # of each of a few gradients
SUMMED_BATCHES = 256  # gradients for one update, at most
SUMMED_APART = 0.01  # sine of the angle between two gradients: nearer ones can't be told apart in a sum of them
SUMMED_REST = 1e-5  # of a sum may be something else: float32 resolves 1e-7
SUMMED_EXACT = 3e-4  # how far from 1 the factor of what was before may be; that of momentum is 0.999 at most

# -- learning rate

FIRST = 3  # so many first losses stand for the beginning
LAST = 5  # and so many for now
DIVERGED = 5.0  # the loss against its beginning: noise of single batches stays within 2
DIVERGED_SEVERAL = 20.0  # where several losses compete (as in a GAN), one of them may well grow
UPDATE_TOO_LARGE = 1.0  # an update as large as the weights themselves; 1e-3 is usual
JUMPS = 2.0  # the loss of a late step against the first one's, where updates were as large as the weights:
JUMPS_STAYS = 0.5  # and the median of those steps is still above this part of it
ADAPTING = 0.9  # of the gradients, at most, that no update follows: of more, nothing is ever updated
UPDATE_CAREFUL = 0.05  # first updates of less, at a usual rate, change what a network answers by as little
NOT_IMPROVED = 0.9  # the loss now, against its beginning
UPDATE_TOO_SMALL = 5e-5  # an update against the weights; 1e-3 is usual, fine-tuning goes down to 1e-4
RATE_UNUSUAL = 1e-2  # ten times what Adam begins with; other optimizers in proportion
RATE_SUSPECT = 30.0  # times what such optimizers begin with: the first thing to change where nothing is learnt
MOSTLY_KILLED = 0.75  # of the units of a layer, which fell silent in the first steps
HARDLY_LESS = 0.7  # the loss now, against its beginning, where most units learn nothing
UPDATE_KILLED = 0.3  # an early update of this part of the weights, after which units are silent, did it
RATE_TOO_SMALL = 1e-5  # only rates up to this are called too low: else it is the gradients that are small
RATE_FADED = 1e-6  # of the highest: usual updates, 1e-3 of the weights, become smaller than what float32 tells apart
FADED_EPOCHS = 3  # so many with such a rate, at least: schedules that fall to 0 end there
FADED_STEPS = 20  # so many with such a rate, in a custom loop
FADED_PART = 0.25  # and this part of all its steps
FADED_SHARE = 0.1  # and this part of all epochs
UNMOVED = 0.02  # relative change of the loss that counts as none
UNMOVED_STEPS = 10
EASIER = 0.6  # a validation loss, against that of training, if nothing makes training harder: those labels fit better
FALLS_SLOWLY = 1.25  # a loss, against that in the end: what it fell within the last epoch explains no such difference
HARDLY_KEPT = 0.01  # of gradients, by a limit: then it isn't that they are small
UPDATE_CUT = 5e-6  # and an update so small that it takes thousands of them to learn anything

# -- data

UNSCALED = 30.0  # root mean square of the inputs; standardized ones have 1, images in 0..255 about 100
UNSCALED_CAUSE = 4.0  # named as the cause, where something went wrong that such inputs explain
UNSCALED_HINT = 10.0  # worth a hint: weights begin as for inputs around 1
BYTES = 255.0  # pictures have whole numbers up to this
INDEX_COLUMNS = 4  # numbers of words in a row, at least
INDEX_RANGE = 0.1  # a column's largest value, against that of all; columns of a table have their own ranges
INDEX_SHARE = 0.5  # of the columns have that; some hold padding alone
INDEX_KINDS = 20  # different ones; fewer may be levels at which something was measured
INDEX_PAIRS = 20  # of neighbours, whose differences are compared with those of any two values:
INDEX_APART = 0.7  # in time series, sorted rows and pictures, neighbours are nearer
RESCALES = 1 / 64  # a Rescaling by so little is made for bytes, from 0 to 255
SCALED_ALREADY = 1.05  # it was given numbers from -1 to 1
TINY_INPUT = 1e-3  # largest input: the first layer sees next to nothing
SMALL_INPUT = 0.02  # the same, where nothing is learnt: pixels that were divided twice are below
PICTURE = 8  # pixels on a side, at least; what layers make of pictures may be smaller, and as deep as it is wide
ROW_SUM = 0.02  # how far from 1 the sum of probabilities may be
ROWS_OFF = 0.05  # of the rows of labels may have another sum, as padding has
OUT_OF_RANGE = 1e-3  # how far outside the range of an activation a label may lie
OUT_OF_REACH = 0.05  # of the labels lie there, at least: fewer may be outliers
NOISY_LABEL = 0.1  # beyond 0 and 1: as noise on the labels of a GAN's discriminator, which is done on purpose

SMOOTHED = 0.9  # of each label: 0.1 is usual, and may be meant
SHRUNK = 0.01  # of itself, that a loss is multiplied by; to sum gradients of some batches, each counts a fraction
SHRUNK_BELOW_EPSILON = 1e-5  # the same, where an optimizer divides by the size of gradients
EPSILON = 0.01  # of Adam; 1e-7 is usual, some take 1e-3 to 1 and a rate as much higher
COSINE_LENGTH = 0.01  # how far from 1 the squared length of a row may be, that was divided by its length

# -- memory and time

HELD_STEPS = 10  # the tensors of so many steps are followed
HELD_SHARE = 0.75  # this part of them still alive means that somebody keeps them
HELD_AGE = 2  # steps that are over so long ago; the last one's tensors are still in use
HELD_SMALL = 64  # bytes for each step: a number as a tensor, say; that is no more than a hint
SLOW_STEPS = 8  # times of fewer steps are noise
SLOW_INPUT = 1.0  # waiting for data against computing: more than half of the time is lost
SLOW_INPUT_MS = 2.0  # shorter waits aren't worth a thought
SLOW_OP = 0.75  # share of one place in a step
SLOW_LOOP = 0.2  # the same, for the ops of a Python loop: half of its time is spent between them
SLOW_STEP_MS = 5.0  # steps faster than this don't need help
MANY_CALLS = 200  # ops run by one line in one step: a Python loop over rows or time steps

# -- normalization and overfitting

MOMENTUM_USUAL = 0.99  # what BatchNormalization begins with; slower averages are a choice, and a warning if they lag
MOMENTUM_LEFT = 0.5  # of the averages is what they began with, after all updates
MEANS_APART = 0.5  # standard deviations of a batch between its mean and the average; the noise of batches is a fifth
VARIANCES_APART = 1.0  # factors of two between a batch's variance and the average
LAG_EXPLAINS = 0.5  # of what a validation loss is higher by, rows to train with are, too, in inference mode
LAG_ANSWERS = 0.25  # of their variance, by which the answers to these rows differ between the two modes
ONES_SHARE = 0.5  # of the training batches hold one sample; a single one at the end of an epoch is a hint
OVERFIT = 1.2  # validation loss against its best
LOSS_APART = 5.0  # times the first training loss is another number that is made of answers in the same way
LOSS_OPS = 64  # that a loss written by hand is made of, at most
OVERFIT_HELD = 1.02  # the same, down to which it stays said: losses rise and fall
OVERFIT_BACK = 0.5  # of what it had fallen by, where a loss goes below 0, as a likelihood's: then it has no size
OVERFIT_EPOCHS = 3  # epochs since then; less is noise
OVERFIT_CLEAR = 1.5
OVERFIT_CLEAR_EPOCHS = 5
OVERFIT_OF_TRAIN = 0.5  # the validation loss against the training loss: what is learnt by heart is answered worse
OVERFIT_LEARNS = 0.9  # the training loss now, against that in the best epoch
# Learnt by heart: the training loss fell to a tenth, and the validation loss never fell below half of where the
# training began. Then it need not rise: noise has an upper bound too. What generalizes is far below that half.
BY_HEART = 0.1
NEVER_LEARNT = 0.5

# -- weights and layers

LOOK_AT_KERNELS = 2  # steps in which it is followed which layer feeds which; that rarely changes later
WEIGHTS_LARGE = 10.0  # root mean square × √inputs at the beginning; 0.5 to 2 are healthy
WEIGHTS_SMALL = 0.03
EQUAL_GRADIENTS = 1e-5  # gradients of units that differ by less than float32's rounding stay equal
NARROW = 10  # a hidden layer of a tenth of the classes, or less, is worth a hint
NARROW_CLASSES = 3
PADDED = 0.25  # of the steps of a sequence are zeros behind its last token
PADDED_ROWS = 0.5  # of the sequences end with so many
PADDED_EMPTY = 0.2  # of the sequences are nothing but padding, at most: more are data that were lost
PADDED_STEPS = 12  # an LSTM, whose gates begin at 0.73, keeps a fiftieth over so many, and others less
HIDES = 1e3  # a score lowered by so much gets nothing of a softmax, as e**-1000 is 0
PADDED_LEARNS = 0.7  # of the first losses are the last ones: then padding does little harm
PADDING_COUNTED = 0.4  # of the labels: from here on, an accuracy is more one of padding than of words
MASKED_STEPS = 4  # of a sequence, at least: of fewer, many masks are triangles
MASKED_ROWS = 4  # with padding, in a batch
MASKED_SHARE = 0.95  # of these see nothing else
TRIPLET_STEPS = 20  # in which both distances of a triplet are seen
TRIPLET_SURE = 4.0  # standard errors by which the pair that is pulled together is further apart at first
TRIPLET_NOISE = 3.0  # and by which it may be nearer in the end, for all that chance does
PAIRS_SURE = 3.0  # the same for pairs; and in the end, training has not brought them to
PAIRS_TOLD_APART = 0.5  # of the distance of the others
ROWS_TOLD = 30  # rows, at least, of which a mean is taken
DIVERGENCE_STEPS = 3  # in which the gradients of a divergence's two terms are the same number, and below 0
APART_GROWS = 1.2  # times as large as at first they are in the end
LIKELIHOOD_ROWS = 4  # labels of a batch, at least: of fewer, any number is the same for all
LIKELIHOOD_EQUAL = 1e-2  # by which factors of single rows may differ: something small is added before a logarithm
LIKELIHOOD_CLEAR = -9.2  # logarithm of a chance, above which what is added to it (1e-7, say) changes little
LIKELIHOOD_REST = 0.5  # of what a likelihood makes of the loss may be other terms, such as penalties
LIKELIHOOD_FALLS = 1.2  # times as far below 0 as at first it is in the end
COSINE_FALLS = 0.2  # between -1 and 1

# -- what was learnt

ANSWERS_KEPT = 32  # batches of labels and predictions, from all over the training; and half as many of its end
ANSWERS_MORE = 64  # of its end, where classes are so rare that those have next to none of them
ANSWERS_SMALL = 50_000  # predictions of batches of which so many more are kept
ANSWER_SIZE = 200_000  # predictions of larger batches aren't kept: copies of them would cost too much
ANSWERS_LOSSES = 4  # more losses than this are no plain training
AMOUNTS = 0.5  # of the labels lie between whole numbers: they are no classes
AMOUNT_KINDS = 10  # different ones; fewer may be classes that were scaled
LEARNT_BY = 200  # steps after which a network should be better than one answer for all
NOT_LEARNT = 0.99  # its loss against that of the best constant answer
ABOVE = 1.02  # a loss above, which falls, is on its way to that constant: what comes after isn't known
HARDLY_LEARNT = 0.97  # the same, where there were fewer steps: worth a hint
LITTLE_LEARNT = 0.95  # the same: so much is also learnt of the rows by heart
LITTLE_SHUFFLED = 0.9  # where the script shuffles labels or inputs alone
TARGETS_LARGE = 10.0  # root mean square of targets; scaled ones have 1, and last layers begin around 0
TARGETS_AWAY = 2.0  # of their standard deviations lie between their mean and that of the answers, in the end
TARGETS_NARROW = 0.2  # of their standard deviation is that of the answers
TARGETS_ALIKE = 0.5  # correlation of both: the answers go the right way, and not far enough
TARGETS_STEPS = 100  # of fewer steps, a few may be all that was asked for
LITTLE_WIDE = 0.7  # of a constant answer's loss is left, where answers are far narrower than the labels
TARGETS_WORSE = 1.5  # times the loss of a constant answer
ROWS_ALIKE = 0.01  # variance of answers between rows, against that of labels: less is one answer for all rows
MOST_FREQUENT_EPOCHS = 5  # at the end, in which the accuracy is the share of one class
MOST_FREQUENT_SHARE = 0.8  # and in this part of all: it is so from the beginning, or nearly
NO_LOSS = 1e-6  # constant labels: there is nothing to be better at
IMBALANCE = 0.7  # share of the most frequent class
IMBALANCE_CLEAR = 0.95  # the same, from which on it is the first thing to look at where nothing is learnt
IMBALANCE_ROWS = 20  # of other classes, among the rows looked at
IMBALANCE_RECALL = 0.02
IMBALANCE_STEPS = 60

METRICS_FOLLOWED = 16  # in custom loops
METRIC_EPOCHS = 2  # through which one goes on counting

SOFTMAX_LEARNT = 0.6  # of a constant answer's loss: networks without a softmax between layers learn more
WEIGHT_ALL = 0.9  # of all weights lie on one class:
WEIGHT_ANSWERED = 0.7  # so many answers are that class
WEIGHT_RECALL = 0.5  # and no more of the other rows are recognized
WEIGHT_TIMES = 1.5  # the weight of a row of the most frequent class against that of any other
WEIGHT_AS_SHARE = 0.35  # how far, in logarithms, weights may be from the shares of their classes

# -- a column that is the label

LEAK_ROWS = 100  # different ones; of fewer, a column may tell the classes by chance
LEAK_LOOKED = 2000
LEAK_ELEMENTS = 4_000_000  # of rows that are kept: fewer of wide ones, as long sequences are
LEAK_COLUMNS = 10_000
LEAK_CLASSES = 20  # whole numbers of more kinds are amounts
LEAK_OF_CLASS = 10  # rows of each class
LEAK_ROUNDING = 1e-9  # float32 columns that were scaled keep their correlation to 1e-13
CUT_GAPS = 0.98  # of the gaps between labels are smaller than one where a column cuts them may be
ROUNDED_KINDS = 8  # different values, at least: fewer are classes
ROUNDED_GRID = 0.01  # of a step, by which rounded values of float32 miss it
ROUNDED_STEPS = 100_000  # from the lowest value to the highest; numbers in float32 are rounded themselves
ROUNDED_FIT = 0.1  # of a step, by which a line fitted to a hundred rows may miss what was rounded
ROUNDED_SPREAD = 0.15  # how far the size of what rounding took away may be from that of an even spread
SPREAD_OF_CLASS = 5  # rows of each class in the mean, where one-hot columns tell them apart
SPREAD_COLUMNS = 16  # at most, whose sum is the label; each is looked for among all
SPREAD_TIMES = 65_536  # by which a digit of a label counts, at most
SPREAD_KINDS = 0.9  # of the rows, at most, have a value of their own where a column counts something
SPREAD_SPANNED = 1e-6  # of a column's variance is all that others leave of it
SPREAD_MIXED = 256  # columns, from which weights for the label are asked: it takes the cube of them
SPREAD_RANK = 1e-6  # of the largest singular value: smaller ones are rounding

VOCABULARY_LOOKED = 2000  # of the most frequent words
VOCABULARY_SHARED = 10  # words, at least, that two vocabularies both hold
TORN = 1.3  # times as rough as in another order: neighbours are unlike each other where pictures were torn apart

AHEAD_STEPS = (2, 20)  # in which a few rows are run again with another value in one time step
AHEAD_ROWS = 8
AHEAD_LENGTH = 3  # time steps, at least
AHEAD_MOVES = 16  # values that differ from the one before
AHEAD_SHARE = 0.9  # of these are the labels one step earlier: what is left out of the loss may be marked otherwise
AHEAD_CHANGED = 1e-5  # of the size of the answers: attention over a thousand steps changes a thousandth

# -- the order of rows, and rows of validation data

ORDER_BATCHES = 32  # the first ones, which follow each other
ORDER_ROWS = 4  # smaller batches are of one class by chance
ORDER_MIXED = 0.3  # how often two rows of all differ in class; with one class for nearly all, batches are of that one
ORDER_WITHIN = 0.25  # two rows of a batch differ no more often than this part of that
ORDER_NEXT = 0.75  # and rows of neighbouring batches no more than this: sorted rows stay with a class for a while
SHARES_APART = 0.5  # of the classes' shares in training and validation: rare classes in equal parts are within it
SCALED_ROWS = 100  # to train with, from which on a few others can be said to be larger than any
STANDARD = 1e-4  # how exactly columns have mean 0 and deviation 1 where they were measured on the very same rows
ONE_SIDED = 0.2  # of the numbers are below 0 in one set of rows, and none in the other
ONE_SIDED_COLUMNS = 4  # numbers of a row, at least: a single one may well be asked for in one half of its range
ONE_SIDED_BEGINS = 0.1  # of its largest number is the least one, where numbers begin at about 0
ONE_SIDED_REACH = 0.7  # of the further end is the nearer one
SCALES_APART = 10.0  # root mean squares of the inputs of both
SCALED_COLUMNS = 3  # with several values, at least: of fewer, a drift explains it as well
ABOUT_0 = 0.15  # means of columns that were standardized with rows like these
ABOUT_1 = 0.2  # and how far from 1 their deviations are
WIDTHS_APART = 2.0  # the widest column against the narrowest: as they were measured, and not scaled
SPREAD_VARIED = (
    0.1  # of the rows have another number at a place than the middle one: then no 0 or 1 lies 4 deviations off
)
MEANS_APART = 4.0  # deviations between the means; a straight trend moves the last fifth of a series by 2.2
MEANS_FAR = 10.0  # the same, where nothing else tells of another scale
MEANS_MOST = 0.75  # of the places
WIDTHS_ALIKE = 1.5  # the wide places against the narrow ones, in windows of a series
MEANS_ALIKE = 0.75  # deviations between the high and the low means, there
OUTSIDE_UNIT = 0.5  # how far outside of 0 to 1 a column's mean lies
OUTSIDE_COLUMNS = 0.5  # in this part of the columns, at least
COLOUR_ROWS = 50  # pictures in both sets
COLOURS_SURE = 4.0  # standard errors between red and blue
COLOURS_ALIKE = 0.5  # as far apart in both sets, but for this part: the one is the other, turned round
LOOP_BATCHES = 8  # of a loop, which rows outside of the tape are compared with
LOOP_ASKED = 4  # times that this is done for a model
RENUMBERED_BATCHES = 8  # the last ones that were looked at closely
UNSEEN_CLASSES = 0.1  # of the validation rows, beyond chance, are of classes that training never sees
TARGETS_APART = 10.0  # root mean squares of targets, in training and validation
TARGETS_WIDER = 3.0  # the same for deviations, where those to train with are standardized
CHANCE_LEARNT = 0.98  # the training loss against a constant answer's, while that on the validation data isn't below
CHANCE_GAIN = 18.0  # what the validation rows together should gain, in nats: it has a noise of √(2 × itself), a third
CHANCE_BEST = 100.0  # likelihood ratio, per epoch, from which the best validation loss is more than luck
CHANCE_PART = 0.2  # of what the training loss gained: with right labels, the first epochs gain as much on both
CHANCE_STAYS = 0.25  # of what the training loss falls by: then more of the same doesn't help other rows
BATCHES_READ = 16  # again, of a data set that gives batches by their number
CHANCE_SIZE = 2_000_000  # numbers of labels that are looked at

# -- how training ended

FEW_STEPS = 20  # with fewer, nothing can be said of a trend
MANY_STEPS = 2000
FEW_EPOCHS = 2  # from three epochs on, their means are compared, without the noise of batches
FEW_SIGMA = 2.5  # the loss fell by more than so many times its noise, from the third quarter to the last
FEW_FALL = 0.02  # of the loss; less may be all that is left
FEW_LEFT = 0.3  # and is still above this part of what it was in the first quarter
STOPPED_LEARNT = 0.9  # the training loss when it was stopped, against the first epoch's
PASSED_OVER = 0.1  # of a metric: so much better it got in epochs that EarlyStopping counted as none

# -- updates and penalties

RENEWED = 3  # so many optimizers or models one after the other, made on one line, in a loop over epochs
DECAYS = 0.01  # of the weights is taken away by weight decay in each step: they keep a third of 100 steps
DECAYS_MUCH = 0.05
FROZEN_ELEMENTS = 16  # of each weight, those with the largest gradients: an update changes them first
FROZEN_LOOKED = 10_000  # elements among which they are sought
RANDOM_SHARE = 0.5  # of the kernels, or their numbers, are frozen and random: fewer may be drawn on purpose
RANDOM_LEARNT = 0.5  # of a constant answer's loss: who draws features on purpose draws enough to learn more
RANDOM_NOISE = 2.0  # times 1 / √n by which the size of n random numbers may be off
DEPENDS_STEPS = (4, 5)  # in which it is followed what the loss was made with; two, for losses that take turns
COLLAPSED_STEPS = 100  # a VAE's latent numbers begin as noise, too
COLLAPSED_KL = 0.05  # nats, of all latent numbers of a row together: so little tells no two rows apart
COLLAPSED_SPREAD = 0.01  # variance of the means of a latent number, beside a noise of 1
COLLAPSED_SPREAD_IDLE = 0.03  # the same, where nothing was learnt from the input
GROWN = 1e10  # times the input: what a recurrent layer gives whose states grow in each time step
GROWN_TO_BREAK = 1e6  # the same, where the first updates after it make something overflow
PENALTY = 10.0  # penalties against the loss of the data; usual ones are below it

# -- noise, and rows of validation data

CLEARLY_BELOW = 1e-3  # 0, of what logarithms are taken of
SOME_BELOW = 0.01  # of answers: chances never are, whatever is rounded
ADDED_TO_LOGS = 1e-2  # before a logarithm, so that it isn't that of 0
DROPOUT = 0.6  # rates from here on are measured; 0.5 and less are usual
DROPOUT_CLEAR = 0.9  # a warning from here on: one unit in ten is left, and the noise is measured as well
DROPOUT_STEPS = (2, 20)  # in which the batch is run again without dropout
DROPOUT_ROWS = 8
DROPOUT_NOISE = 1.0  # what dropout changes, against the differences between rows (variances)
NOISE_LOOKED = 100_000  # values of a batch before and after augmentation
ALTERED_PASSES = 6  # over the validation data, whose first rows are compared with those of the pass before
ALTERED_ROWS = 32
ALTERED_SHARE = 0.3  # of the rows are others than before: where they are turned over by chance, half stay
ALTERED_NEAR = 0.75  # of the distance to another row is that to the same one, before it was altered
ALIKE = 0.3  # correlation of a batch with what augmentation made of it
OVERLAP = 0.5  # of the validation rows
OVERLAP_CLASS = 0.8  # of the validation rows of one class: of rows repeated eleven times, nearly all are in both parts
OVERLAP_OTHERS = 0.5  # and so small a part of that, at most, of the other rows: else it is no matter of that class
OVERLAP_CHANCE = 1.5  # and so many times what equal rows among the training data explain
OVERLAP_ROWS = 10  # fewer rows are a toy
OVERLAP_LOOKED = 2000
OVERLAP_COLUMNS = 256
OVERLAP_KINDS = 50  # different rows; fewer may be levels at which something was measured
OVERLAP_KNOWN = 0.5  # a column with so many values, against the different rows, tells them apart
OVERLAP_COMPARED = 1000  # different rows that are compared with some of them
OVERLAP_PROBES = 64
WINDOW_STEPS = 6  # a window has at least: of fewer, a half is met again by chance
WINDOW_KINDS = 0.9  # of the windows to train with begin in a way of their own
WINDOW_STARTS = 8  # steps by which windows may lie behind each other, and powers of two beyond
WINDOW_NUMBERS = 50_000_000  # in all windows; more would take seconds
OVERLAP_APART = 8  # columns in which a row differs from any other: none of them is met again by chance

# -- several ranks

RANK_STEPS = 20  # steps that are compared; one rank is always the slower one for a while
RANK_SHARE = 0.75  # of the last steps in which it was: noise changes sides
RANK_WINDOW = 512  # the last steps, which are compared
STRAGGLER = 1.2  # a rank's computing against the median of the others
STRAGGLER_MS = 0.5  # smaller differences come and go with the scheduler
INPUT_IMBALANCE = 1.5  # waiting for data against the median of the others
INPUT_IMBALANCE_OF_STEP = 0.1  # the difference against a whole step; less isn't worth a thought
ROWS = 1.2  # rows of a step against the fewest; an uneven cut differs by one
SLOW_CALL_MS, SLOW_BYTE_MS = 0.5, 1 / 50e3  # slower than any network: then it is the processors that are busy
COMMUNICATION = 0.3  # of the time, on the rank that waits least: the others wait for that one, too
